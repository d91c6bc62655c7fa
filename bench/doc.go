// Command bench measures the queue and the compiler against their goals and their peers, and prints which goals are met.
//
// Every participant runs on one redis-server, which the command starts on a free loopback port, without persistence, and
// stops again; holding a million jobs twice over, it takes 2 to 3 GB of memory. Participants take turns in short runs, the
// order rotating, so that a disturbance hits all of them; each figure is the median of the runs (-runs, at least 5), with
// the lowest and the highest beside it. A ratio is made run by run from neighbours in time, and the median taken of those.
// The figures hold for the machine they were taken on; the ratios are what the goals are about.
//
// It isn't a load generator for a Redis that is in use: it flushes the one it started, many times.
//
// # What is measured how
//
// Time "in Redis" is what Redis itself counts (INFO commandstats, evalsha, microseconds per call): it leaves out network
// and client. The waiting jobs of those measurements are in two halves: the first submitted can run on a larger machine
// only, so that each claim of the measured worker has to get past them.
//
//   - jobs/s is the time from the start of the workers to the last completion, the jobs waiting already. The job does
//     nothing. All participants have the same payload, 256 bytes of JSON.
//
//   - An idle pickup lasts from before the submission until the worker has the job. Claim attempts are the claim scripts
//     that ran because of a wake-up; the safety poll is out of the way.
//
//   - Memory is used_memory after less before, per job, less the payload.
//
//   - Compiling is from a profile's text to Nomad jobs in memory, in one process. Nomad's parsing is that of the very same
//     jobs, written as job files: one request to /v1/jobs/parse of a local agent after the other. In a profile a pool is
//     shorter than its job file, and compiling checks more; but what goes in is what a person writes, and what comes out
//     is the same. Needs nomad on PATH; the row says so where it isn't.
//
// # The participants' settings
//
//   - ours: 50 workers, each completing its jobs and claiming the next (one or ten) in one step; 16 classes of jobs, 64
//     connections; submission from 50 goroutines; bulk submission of 500 jobs a call, four calls in flight. All are in one
//     process, whose client gathers what comes while two calls are on their way; 50 processes with one worker each would not
//     have that. Jobs are kept after their completion, events are published.
//   - asynq: one or four servers with concurrency 50, one queue, logging off, tasks not retained, 64 connections a
//     server like ours, submission from 50 goroutines. asynq has no batches. (1 × 200 and 8 × 25 were tried and did no
//     better than these.)
//   - BullMQ: ioredis, jobs removed when completed (its fastest way), one process with concurrency 50 and 200 and two
//     processes with 50 each; the best of them counts. addBulk with 500 and 1,000 jobs a call, two calls in flight; the
//     better counts.
//   - the scan: the predecessor's way (scan.lua): read the top N waiting jobs with their payloads in order of priority and
//     take the first whose requirements the worker meets. N is as deep as the match lies; with a fixed N = 100 a deeper
//     match is never found, which the row "starvation" shows.
//
// # Adding a measurement
//
// A suite is one file with one function that returns outcomes by row; its rows and goals stand in registry.go.
package main
