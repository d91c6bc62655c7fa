// Package blob keeps the files that jobs leave, in a store named by a URL: file:///path for a directory, s3://bucket for
// Amazon S3 and what speaks its protocol.
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
//
// # Why not gocloud.dev/blob
//
// It was tried first. An agent runs in every allocation, and its size is a promise (25 MB resident, idle, two workers).
// gocloud.dev/blob links gRPC, protobuf and OpenTelemetry: with its file and S3 drivers a program that does nothing else than
// open a store has 17.8 MB resident, with a directory and Amazon's own SDK for S3 11.3 MB. Two drivers of one method each
// are what the agent needs.
package blob
