// Package blob stores the files that jobs produce, in a store named by a URL: file:///path for a directory, s3://bucket for
// Amazon S3 and servers that speak its protocol.
//
// It is neither a cache nor an index: it writes a file once, under a unique key, and returns the file's URL.
//
// # Invariants
//
//   - The key of a file is <prefix>/<job id>/<fence>/<name>. Two attempts at one job never write the same key, so a machine
//     that was cut off and goes on working cannot overwrite the accepted result.
//   - A file becomes visible only once it is complete.
//   - Names are reduced to letters, digits, '.', '_' and '-', so that a key is its own URL path on every store.
//   - The bytes are streamed: memory use does not depend on a file's size.
//
// # Why not gocloud.dev/blob
//
// It was tried first. An agent runs in every allocation, and its size is bounded (25 MB resident, idle, two workers).
// gocloud.dev/blob links gRPC, protobuf and OpenTelemetry: a program that only opens a store has 17.8 MB resident with
// gocloud's file and S3 drivers, and 11.3 MB with a directory and Amazon's own SDK for S3. The agent needs only two drivers
// of one method each.
package blob
