// Package resize is the loop that keeps pools at the size they should have: it reads Nomad and Redis, asks packages scaler
// and rollout what to do, and does one step per pool and pass. It also answers what it knows of pools, for the API.
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
//  2. While one of them still runs a job, the drain is renewed each pass, and the count stays.
//  3. Once the last job has ended: the drain is renewed again, after which no claim can succeed before it lapses, the
//     jobs in flight are counted, and only if that is zero, the count is changed, in less time than the drain has left.
//  4. If demand returns meanwhile, the drain is taken back. If the dispatcher dies, the drain lapses.
//
// A person's drain is another one (queue.PersonDrain) and none of this loop's: such a machine counts for nothing that jobs
// need, it isn't stopped while the drain lasts, and neither are those below it, since Nomad stops the highest index first.
//
// What Nomad has not placed is taken back in a step of its own, before anything is stopped; package rollout says why.
//
// # Invariants
//
//   - What can't be read is not acted upon: without Redis or Nomad nothing shrinks and nothing is drained.
//   - Every count change is conditional on the job as it was read; a conflict means another pass.
//   - Nothing here must survive a restart. Since when machines have been idle begins anew, which only delays a shrink.
package resize
