// Package plan compares compiled pools with what a Nomad cluster runs, and carries the difference out.
//
// It compiles nothing and prints nothing. It never changes a count that is live: how many machines a pool has is the
// dispatcher's decision, within the policy's bounds.
//
// # What becomes of a pool's groups
//
//	live                         planned
//	no job, or a stopped one     the new group, at the pool's minimum
//	the wanted revision          the same group with the new policy, at its live count; no allocation is touched
//	another revision             the live group as it is, but no longer wanted, and beside it
//	                             the new group, at 0: the dispatcher moves the capacity over and removes the old one
//	several, one is the wanted   that one becomes wanted again, at its live count; the others no longer wanted
//
// # Invariants
//
//   - A Nomad job that isn't ours (job meta) is never touched.
//   - Registering enforces the index the plan was made against. If only counts moved in between, the plan is made again;
//     anything else is a conflict and is reported ([ConflictError]).
//   - Planning right after applying finds no change.
package plan
