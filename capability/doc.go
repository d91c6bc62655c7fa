// Package capability is the vocabulary in which a job says what it needs and a worker says what it offers, and the one
// function that decides whether the two fit.
//
// It is a leaf: standard library only, no Redis, no Nomad, no HCL. The queue matches with it (once per class and worker
// profile), the dispatcher explains with it, the compiler checks profiles with it. There is no second matcher.
//
// A [Requirements] value has a canonical form; jobs with equal canonical forms are one class, named by [Requirements.Class].
package capability
