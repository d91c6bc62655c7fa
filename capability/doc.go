// Package capability defines how a job states what it needs and a worker states what it offers, and the one function
// that decides whether they match.
//
// It is a leaf: it imports the standard library only, and knows neither Redis, Nomad nor HCL. The queue uses it to
// match jobs with workers (once per class and worker profile), the dispatcher to explain why a job waits, and the
// compiler to check profiles. There is no other matcher.
//
// A [Requirements] value has a canonical form; jobs with equal canonical forms are one class, named by [Requirements.Class].
//
// # Expressions
//
// A valued requirement is text. Its parts are separated by commas and must all hold:
//
//	>=24GiB        at least; also >, <, <=, and ranges: ">=16GiB, <48GiB"
//	~>12.4         12.4 or later within 12: ">=12.4, <13"
//	=flux-dev      this value; the sign is optional
//	!=spot         not this value
//	any(a, b)      one of these      all(a, b)  every one of these      none(a, b)  not one of these
//	*              any value at all
//
// Text with commas, brackets or operators in it is quoted like a Go string. In JSON a list means all(…), an object takes
// any, all, none, min and max, and a number or a boolean means that value.
//
// # How values compare
//
// A value with a unit (B KB MB GB TB KiB MiB GiB TiB, Hz kHz MHz GHz, mW W kW, ms s min h) is a quantity. Digits and
// dots are a version, compared part by part, so 12.10 is later than 12.4. If the worker offers a JSON number, they
// compare as numbers instead. Everything else is a word, which is either equal or not. A worker that offers a list
// offers each of its elements.
package capability
