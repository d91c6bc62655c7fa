// Package agent is the process inside every machine that claims the jobs that the machine is able to run, and runs them.
// One agent serves one machine (one Nomad allocation); it is the leader among the allocation's tasks.
//
// It is not a supervisor: Nomad starts, restarts, logs and isolates the services beside it. It does not decide how many
// machines there are. All it uses of Nomad is the environment that Nomad gives each task and the Task API, to find out
// its GPUs and to restart a service at an operator's request.
//
// # What runs
//
// [Run] owns every goroutine; each kind is one file:
//
//	worker.go     one claim loop per worker: wait until its gate is open, claim, start attempts
//	attempt.go    one goroutine per running job: run the connector, then settle with the queue
//	progress.go   one goroutine per running job: thins out its progress reports
//	heartbeat.go  one loop: renews all leases together, and learns from the answer which jobs are lost or cancelled
//	cancels.go    one loop: cancellations pushed by the queue, faster than the next heartbeat
//	services.go   one loop per service: is it ready?
//	gpus.go       one loop: are the GPUs healthy? (package gpu)
//	report.go     one loop: the machine's status to the queue, every 15 s and at each change
//	health.go     the HTTP server: /health /ready /status, and restarts for clients that have the token
//
// # How an attempt ends
//
//	connector returned        context's cause             the agent's call to the queue
//	a result                  none, stopping, timeout     Complete
//	an error                  none                        Fail, with the failure's code
//	an error                  timeout                     Fail, code "timeout", retriable
//	an error                  stopping                    Release: another machine starts it again, no attempt counted
//	anything                  lost, cancelled             none: the job is another worker's already, or has ended
//	(panic)                   any but lost, cancelled     Fail, code "panic", retriable
//
// The call is repeated, through an outage of any length, until the queue answers. The heartbeat keeps the lease meanwhile.
// If the queue answers that the lease is stale, the result is discarded.
//
// # The order of shutting down
//
// When Run's context ends (SIGTERM):
//
//  1. Claim loops stop immediately. Jobs that a claim in flight still returns are released. State: stopping.
//  2. Running attempts go on for the grace time of the agent document. Heartbeats, progress and reports go on too.
//  3. Attempts still running are cancelled: their connectors stop the work at the service (which is still there, as
//     the leader is stopped first) and the jobs are released to the queue.
//  4. Jobs that could not be settled within [settleGrace] are left to their leases, and logged.
//  5. Heartbeat, cancellations, service and GPU watches and reports end, so that nothing renews the registrations.
//  6. Workers unregister; the machine's record is removed from the queue. The queue's connection and the health server
//     close.
//
// # Invariants
//
//   - A worker never runs more jobs than its concurrency, and never claims while its service is not ready, its GPU is not
//     healthy, or the agent stops.
//   - Losing Redis stops no running job. A lease that the queue reports as lost stops its attempt immediately.
//   - A panic in a connector fails its job and nothing else.
package agent
