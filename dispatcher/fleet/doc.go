// Package fleet reads pools out of Nomad and changes their groups' counts. It is the only part of the dispatcher that
// talks to Nomad.
//
// It decides nothing, and keeps nothing but a cache of jobs by their modify index. A pool is a Nomad job with the meta
// key that package hcl/manifest names; everything else about it is in its groups' scaling policies.
//
// # What a shrink stops
//
// Nomad stops the allocations with the highest name index of a group. It counts dead ones that it has not replaced, so
// that a running high index is stopped and a dead low one kept. If allocations migrate, are lost or unknown, it chooses
// among those first. [Group.Victims] returns a set that includes every allocation that Nomad may choose, or an error.
//
// # Invariants
//
//   - Every write is conditional on the job's modify index at the time of reading: [ErrConflict] means read again.
//   - Every scale records the pool's intended total in the scaling event's meta. A restarted dispatcher thus tells a
//     rollout's surge from the pool's size, and knows when the pool was last resized.
package fleet
