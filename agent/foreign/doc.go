// Package foreign reads JSON documents that other programs wrote, tolerantly: the answers of ComfyUI and its custom nodes, and of
// Nomad.
//
// It is not for what our own users write: that is read strictly, and a mistake in it is said.
//
// A [Scanner] takes the fields that are asked for out of a stream and passes over the rest, so neither an oddity in a part that
// nobody needs nor the document's size matters. Beside JSON it takes what servers are known to send for it:
//
//	NaN, Infinity, -Infinity (Python), nan, inf (C), undefined (JavaScript), None     read as null
//	numbers beyond a float64 (1e999), and numbers that JSON doesn't know (+1, .5, 007) read as null
//	True, False                                                                       read as true, false
//	half a surrogate pair (\ud800), bytes that aren't UTF-8                           read as U+FFFD
//	control characters inside strings, a byte order mark at the start                 taken
//
// Integers of any size keep their digits. A name given twice is seen twice.
//
// A value of another kind than the one asked for is passed over, like one that is absent. A document that isn't JSON even so, a web
// page for example, is a [NonsenseError]: the server answers, but nothing that can be read. That differs from an error of the
// connection, which comes back as it is.
package foreign
