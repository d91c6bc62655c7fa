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
//	cancel: waiting, delayed → cancelled; running → cancelled, and the worker is told immediately and again with its next
//	heartbeat. requeue: failed, dead, cancelled → waiting. deadline passed before a start: waiting, delayed → dead.
//
// Failure rules: a failed attempt counts against max_attempts and is tried again after a delay that doubles; a timeout is a
// failed attempt. A lost lease is counted separately and the job tried again immediately, until Options.MaxLostLeases machines went silent
// with the job. Releasing a job counts as neither. After a failure or a loss the job avoids that machine for a while if others
// can run it.
//
// # Order
//
// Higher priority first, then order of submission, among the jobs that the claiming worker can run; a retry keeps its
// place. With fair share ([Limits]) tenants take turns within a priority instead.
//
// # How a claim finds its job
//
// All jobs with equal requirements are one class. The classes that are served by the same set of worker profiles are one
// audience. A claim walks the audiences by their first job, takes the first that its profile serves, in it the first class,
// and in that the first job. What comes after costs nothing. Which class fits which profile is decided in Go, once for each
// pair, by package capability; the scripts only know the outcome. When the fleet changes, the classes are moved to their new
// audiences in chunks, while claims go on.
//
// Nearly every turn of a worker (complete what it has, claim the next) is done by one script, quick, which handles only
// the usual case and leaves the rest to another, turn. Requests that arrive while others are in flight are gathered into one
// call (internal/gather): submissions of a type, and turns of workers with the same profile.
//
// A type's jobs are one shard: a fixed set of keys with one hash tag, so in one slot of a Redis Cluster. The scripts, one
// file each in scripts/, declare every key they use. job_record.go and lib_index.lua describe what the keys hold. Go does
// the matching, the hashing and the JSON; no script reads a payload.
//
// # Invariants
//
//   - A job is accepted as completed at most once. Every change of a running job compares fence and nonce; a stale call
//     gets [ErrStale] and changes nothing. Repeating a completion succeeds.
//   - A worker that dies gives its jobs back after its lease, as soon as a client calls [Client.Reap]. Leases are measured by
//     Redis' clock.
//   - Execution is at-least-once: side effects outside Redis may happen twice. Put job id and fence in artifact keys.
//   - Each end of a job with a webhook is in the outbox from the moment it ends (hook.go), and leaves it only to be delivered.
//   - No wake-up is lost: a worker becomes idle in the same step in which it finds nothing to do. If the client that should
//     wake it dies first, the worker polls after Options.Poll.
//   - A claim whose answer was lost is answered again with the same jobs.
//   - What Redis loses is lost: with appendfsync everysec about a second's writes in a crash of its machine, and what a replica
//     had not received when it took over. [Submission.Durable] waits for the disk.
//   - A Redis that comes back empty works immediately. Jobs, limits, pauses and drains that it lost are lost, and a machine
//     that runs a lost job is told with its next heartbeat. Everything else is written again; redis_lost.go lists what, and by which call.
//   - An idempotency key stands for one job of any type, for as long as the job is kept (submit_idempotency.go).
//
// # Files
//
//   - api.go is the Go interface, client.go the connection, job.go and job_record.go the job and its form in Redis.
//   - submit_*: a submission is checked, made durable and compared with earlier ones of the same idempotency key.
//   - claim_*: a worker ends attempts and claims jobs; quick and turn are the scripts for it.
//   - fleet_*: workers, machines' reports and drains, heartbeats, and which class fits which worker.
//   - hook*: ended jobs are announced to their webhooks: deliveries, secrets, disabled endpoints.
//   - operate_*: cancel, requeue, limits, leadership, and what has to be done as time passes.
//   - read_*: jobs, lists, events, demand and explanations.
//   - redis_*: options, URLs, keys, scripts, and what happens if Redis loses data.
//   - scripts/ holds the scripts; internal/gather knows nothing of Redis; queuetest is the conformance suite.
//
// # What Redis must allow
//
// Version 7, maxmemory-policy noeviction. The least that a user other than the default one needs, for prefix mq:
//
//	ACL SETUSER machines on >… ~mq:* &mq:* &mq:{*}:ev &machine:status +@all -@admin -@dangerous +info
package queue
