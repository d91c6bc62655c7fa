// Package access decides who may use the dispatcher's API: tokens with roles and tenants, rate limits, and the audit log of
// what operators did. It knows nothing of HTTP routes; package api asks it about each request.
//
// It isn't a user database: a token is a secret of a program or a person, made by an administrator and stored as a hash.
//
// # Tokens
//
// A token is "mctl_<id>_<secret>" with 256 random bits of secret. Redis has its SHA-256 under the id, so that a copy of Redis
// lets nobody in. What has so much entropy needs no slow hash, and guessing needs no lock-out.
//
// The admin token comes from a file or the environment of the dispatcher (see [Options]), not from Redis. It works while Redis
// can't be reached, and after Redis has lost everything.
//
// # Invariants
//
//   - A check that can't be made refuses: while Redis is away, a token that wasn't checked within [Options.Cache] gets
//     [queue.ErrUnavailable].
//   - A revoked or rotated token stops working within [Options.Cache] on every dispatcher.
//   - No secret and no hash is in an error, a log entry, an audit record, or a list of tokens.
//   - What clients can make grow is bounded: the cache, the limiters, the log of refused attempts, the audit log.
package access
