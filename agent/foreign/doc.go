// Package foreign reads JSON documents that other programs wrote, tolerantly: the answers of ComfyUI and its custom nodes, and of
// Nomad.
//
// It is not for documents that users of machinectl write: those are read strictly, and every mistake is reported.
//
// A [Scanner] reads the requested fields of a stream and skips the rest, so neither an oddity in an unused part nor the
// document's size matters. Besides JSON it accepts what servers are known to send instead:
//
//	NaN, Infinity, -Infinity (Python), nan, inf (C), undefined (JavaScript), None     read as null
//	numbers beyond a float64 (1e999), and numbers that JSON doesn't know (+1, .5, 007) read as null
//	True, False                                                                       read as true, false
//	half a surrogate pair (\ud800), bytes that aren't UTF-8                           read as U+FFFD
//	control characters inside strings, a byte order mark at the start                 accepted
//
// Integers of any size keep their digits. A name given twice is yielded twice.
//
// A value of another kind than the requested one is skipped, as if it were absent. A document that is not JSON even by these
// rules, such as a web page, is a [NonsenseError]: the server answers, but the answer can't be read. An error of the
// connection is returned as is.
package foreign
