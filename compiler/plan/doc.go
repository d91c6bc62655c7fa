// Package plan compares compiled pools with what a Nomad cluster runs, and applies the difference.
//
// It compiles nothing and prints nothing. It never changes a live count: the dispatcher decides how many machines a pool
// has, within the policy's bounds.
//
// # How a pool's groups change
//
//	live                         planned
//	no job, or a stopped one     the new group, at the pool's minimum
//	the wanted revision          the same group with the new policy, at its live count; no allocation is touched
//	another revision             the live group as it is, but no longer wanted, and beside it
//	                             the new group, at 0: the dispatcher moves the capacity over and removes the old one
//	several, one is the wanted   that one becomes wanted again, at its live count; the others are no longer wanted
//
// # Invariants
//
//   - A foreign job, which lacks machinectl's meta, is never touched.
//   - Registering enforces the index that the plan was made against. If only counts changed in between, the plan is made
//     again; any other change is reported as a [ConflictError].
//   - A plan right after an apply finds no change.
package plan
