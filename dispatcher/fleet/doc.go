// Package fleet reads pools out of Nomad and changes their groups' counts. It is the only part of the dispatcher that
// talks to Nomad.
//
// It decides nothing and remembers nothing but a cache of job texts by their index. A pool is a Nomad job with the meta
// key that package hcl/manifest names; everything else about it is in its groups' scaling policies.
//
// # What a shrink stops
//
// Nomad stops the allocations with the highest name index of a group. It counts dead ones that it has not replaced, so
// that a running high index is stopped and a dead low one kept. Where allocations migrate, are lost or unknown, it
// chooses among those first. [Group.Victims] answers with a set that holds whatever Nomad may choose, or refuses.
//
// # Invariants
//
//   - Every write is conditional on the job's modify index at the time of reading: [ErrConflict] means read again.
//   - Every scale leaves the pool's intended total in the scaling event's meta. That is how a restarted dispatcher knows a
//     rollout's surge from real size, and when the pool was resized last.
package fleet
