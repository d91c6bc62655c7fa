// Package queue is the Redis protocol that agent and dispatcher share: jobs, leases, demand, machine reports and events.
//
// It is not a general task queue: a job is taken by whichever worker is *able* to run it (package capability), and
// workers are not interchangeable. It knows nothing of Nomad, HTTP or how a job is run.
//
// # Life of a job
//
//	            submit                      claim
//	  ───────────────────────▶ waiting ────────────────▶ running ──complete──▶ completed
//	              │   not_before ▲  ▲                      │ │ │
//	              ▼              │  └──release, lost lease─┘ │ └──fail, not retriable──▶ failed
//	           delayed ──due─────┘◀────fail, attempts left───┘        (attempts or leases used up: dead)
//
//	cancel: waiting, delayed → cancelled at once; running → cancelled, and the worker is told with its next heartbeat
//
// # Invariants
//
//   - A job is accepted as completed at most once. Every change of a running job compares fence and nonce; a stale one
//     gets [ErrStale] and changes nothing. Repeating one's own completion succeeds.
//   - A worker that dies gives its jobs back after its lease. A retry keeps its place in the order.
//   - Execution is at-least-once: side effects outside Redis may happen twice. Put job id and fence in artifact keys.
package queue
