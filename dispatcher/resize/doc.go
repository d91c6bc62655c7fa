// Package resize is the loop that keeps pools at the size they should have: it reads Nomad and Redis, asks packages scaler
// and rollout what to do, and takes one step per pool and pass. It also serves what it knows about pools to the API.
//
// # One pass
//
//	fleet.Pools ─┐
//	Machines  ───┼─▶ observe ─▶ scaler.Decide ─▶ rollout.Next ─▶ act: drain, undrain, scale, remove a group
//	Demand ──────┘                total             per group
//
// # Shrinking without interrupting a job
//
//  1. The machines that Nomad may stop at the new count (fleet.Group.Victims) are drained: their claims come back empty.
//  2. While one of them still runs a job, the drain is renewed in each pass, and the count stays.
//  3. Once the last job has ended, the drain is renewed again: from then until it lapses no claim can succeed. The jobs in
//     flight are counted. Only if there are none is the count changed, in less time than the drain has left.
//  4. If demand returns meanwhile, the drain is withdrawn. If the dispatcher dies, the drain lapses.
//
// An operator drain (queue.OperatorDrain) is separate, and this loop never touches it. A machine drained by an operator
// doesn't count towards what jobs need. It isn't stopped while the drain lasts, and neither are the machines with lower
// indexes, because Nomad stops the highest index first.
//
// Requests that Nomad has not placed are withdrawn in a step of their own, before anything is stopped; package rollout
// explains why.
//
// # Invariants
//
//   - Missing data is never acted upon: without Redis or Nomad nothing shrinks and nothing is drained.
//   - Every count change is conditional on the job as it was read; a conflict means another pass.
//   - Nothing here must survive a restart. Idle times start over, which only delays a shrink.
package resize
