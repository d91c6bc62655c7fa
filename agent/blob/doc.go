// Package blob keeps the files that jobs leave, in a store named by a URL: file:///path for a directory, s3://bucket for
// Amazon S3 and what speaks its protocol. It is a thin layer over gocloud.dev/blob.
//
// It is not a cache and not an index: it writes a file once, under a key which nobody else has, and says where it is.
//
// # Invariants
//
//   - The key of a file is <prefix>/<job id>/<fence>/<name>. Two attempts at one job never write the same key, so a machine
//     that was cut off and goes on working cannot spoil the accepted result.
//   - A file that was not written whole does not appear.
//   - Names are reduced to letters, digits, '.', '_' and '-', so that a key is its own URL path on every store.
//   - The bytes are streamed: memory use does not depend on a file's size.
package blob
