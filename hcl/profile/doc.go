// Package profile turns profile text (HCL) into a typed [Profile] plus diagnostics.
//
// It knows the language: variables, locals, machines, inheritance, pools, and every check that needs no cluster. It does
// not know Nomad: what a machine becomes is the compiler's business, and nothing here imports Nomad's API.
//
// Loading returns a value *and* diagnostics: the value is complete only when there are no errors, but a partial one is
// returned so that all mistakes are reported at once.
package profile
