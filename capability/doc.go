// Package capability is the vocabulary in which a job says what it needs and a worker says what it offers, and the one
// function that decides whether the two fit.
//
// It is a leaf: standard library only, no Redis, no Nomad, no HCL. The queue matches with it (once per class and worker
// profile), the dispatcher explains with it, the compiler checks profiles with it. There is no second matcher.
//
// A [Requirements] value has a canonical form; jobs with equal canonical forms are one class, named by [Requirements.Class].
//
// # Expressions
//
// A valued requirement is written as text, and its parts, separated by commas, must all hold:
//
//	>=24GiB        at least; also >, <, <=, and ranges: ">=16GiB, <48GiB"
//	~>12.4         12.4 or later within 12: ">=12.4, <13"
//	=flux-dev      this value; the sign may be left out
//	!=spot         not this value
//	any(a, b)      one of these      all(a, b)  every one of these      none(a, b)  not one of these
//	*              any value at all
//
// Text with commas, brackets or operators in it is quoted like a Go string. In JSON a list means all(…), an object takes
// any, all, none, min and max, and a number or a boolean means that value.
//
// # What is compared how
//
// A value with a unit (B KB MB GB TB KiB MiB GiB TiB, Hz kHz MHz GHz, mW W kW, ms s min h) is a quantity. Digits and dots
// are a version, compared part by part, so 12.10 is later than 12.4, unless the worker offers a JSON number: then they
// compare as numbers. Everything else is a word, equal or not. A worker that offers a list offers each of its elements.
package capability
