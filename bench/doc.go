// Command bench measures the queue and the compiler against their goals and their peers, and prints which goals are met.
//
// All participants share one redis-server, which the command starts on a free loopback port without persistence, and
// stops at the end. It holds up to two million jobs, which takes 2 to 3 GB of memory. Participants take turns in short
// runs in rotating order, so that a disturbance affects all of them. Each figure is the median of the runs (-runs, at
// least 5), with the lowest and highest beside it. A ratio is computed for each run from figures that are close in
// time, and then the median is taken. Absolute figures depend on the machine, so most goals are ratios.
//
// It isn't a load generator for an existing Redis: it flushes the one that it started, many times.
//
// # How each figure is measured
//
// Time "in Redis" is measured by Redis itself (INFO commandstats, evalsha, microseconds per call) and excludes network
// and client. The waiting jobs of these measurements come in two halves. The half submitted first can run on a larger
// machine only, so that each claim of the measured worker has to get past it.
//
//   - jobs/s counts from the start of the workers to the last completion, with all jobs already waiting. The job does
//     nothing. All participants have the same payload, 256 bytes of JSON.
//
//   - An idle pickup lasts from before the submission until the worker has the job. Claim attempts count the claim scripts
//     that ran because of a wake-up; the safety poll is disabled.
//
//   - Memory is the increase of used_memory per job, minus the payload.
//
//   - Compiling goes from a profile's text to Nomad jobs in memory, in one process. Nomad parses the very same
//     jobs, written as job files, in sequential requests to /v1/jobs/parse of a local agent. In a profile a pool is
//     shorter than its job file, and compiling checks more; but the input is what a person writes, and the output
//     is the same. Needs nomad on PATH; otherwise the row is not measured.
//
// # The participants' settings
//
//   - ours: 50 workers, each completing its jobs and claiming the next (one or ten) in one step; 16 classes of jobs, 64 connections; submission from 50 goroutines; bulk submission of 500 jobs per call, four calls in flight. All are in one
//     process, whose client gathers calls while two others are in flight; 50 processes with one worker each would not
//     benefit from that. Jobs are kept after their completion, and events are published.
//   - asynq: one or four servers with concurrency 50, one queue, logging off, tasks not retained, 64 connections a
//     server like ours, submission from 50 goroutines. asynq has no batches. (1 × 200 and 8 × 25 were no faster.)
//   - BullMQ: ioredis, jobs removed when completed (its fastest way), one process with concurrency 50 and 200 and two
//     processes with 50 each; the best one counts. addBulk with 500 and 1,000 jobs per call, two calls in flight; the better one counts.
//   - the scan: the predecessor's algorithm (scan.lua): read the top N waiting jobs with their payloads in order of priority and take the first whose requirements the worker satisfies. N is the depth of the match; with a fixed N = 100 a deeper match is never found, as the row "starvation" shows.
//
// # Adding a measurement
//
// A suite is one file with one function that returns outcomes by row. Its rows and goals are in registry.go.
package main
