// Package fleet reads pools out of Nomad and changes their groups' counts. It is the only part of the dispatcher that
// talks to Nomad.
//
// It decides nothing. It keeps a cache of jobs by their modify index, and the pools of each place as they were last read. A
// pool is a Nomad job with the meta key that package hcl/manifest names; everything else about it is in its groups' scaling
// policies.
//
// # Places
//
// A pool's full name is region/namespace/name ([ID]). [Client.Read] reads every namespace that the token can list, or those
// that it is given. Each namespace with pools is asked for on its own: in a list of all namespaces Nomad leaves out what the
// token may not read, and a pool whose machines are left out would look empty. A place that can't be read any more doesn't
// hide: its pools stay in the reading with a Problem, which nobody acts upon.
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
