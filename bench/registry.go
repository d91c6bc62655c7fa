package main

import "context"

// suite is one measurement that fills one or more rows.
type suite struct {
	name    string
	rows    []row
	measure func(ctx context.Context, e *env) (outcomes, error)
}

// row is one line of the table: a figure and its goal.
type row struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Goal  goal   `json:"goal"`
}

// suites returns all measurements, in the table's order. A new one is an entry here and a file of its own. One that
// needs no Redis ignores e.redis.
func suites() []suite {
	return []suite{
		{"claim cost", []row{
			{"claim-waiting", "claim time in Redis, 1k → 1M waiting", within(15)},
			{"claim-classes", "claim time in Redis, 100 → 10k classes", within(20)},
			{"memory", "memory per waiting job, without its payload", atMost(1024, " B")},
		}, measureClaimCost},
		{"scan", []row{
			{"scan-100", "claim against the scan, match at depth 100", atLeast(17, "×")},
			{"scan-1000", "claim against the scan, match at depth 1,000", atLeast(150, "×")},
			{"starvation", "claims that miss a match, at any depth", atMost(0, " %")},
		}, measureScan},
		{"throughput", []row{
			{"jobs-asynq-1", "jobs/s against asynq, 1 server × 50", atLeast(3.5, "×")},
			{"jobs-asynq-4", "jobs/s against asynq, 4 servers × 50", atLeast(1.5, "×")},
			{"batch-asynq-1", "the same in tens, 1 server × 50", atLeast(4.5, "×")},
			{"batch-asynq-4", "the same in tens, 4 servers × 50", atLeast(2, "×")},
			{"jobs-bullmq", "jobs/s against BullMQ", atLeast(2, "×")},
			{"submit-asynq", "submit against asynq", atLeast(1, "×")},
			{"bulk-bullmq", "bulk submit against BullMQ addBulk", atLeast(2.5, "×")},
			{"evalsha", "fused jobs/s ÷ trivial EVALSHA/s, 50 connections", atLeast(0.35, "")},
		}, measureThroughput},
		{"pickup", []row{
			{"pickup-p50", "idle pickup, 100 idle workers, p50", atMost(1, " ms")},
			{"pickup-p99", "idle pickup, 100 idle workers, p99", atMost(5, " ms")},
			{"pickup-attempts", "claim attempts per picked-up job", atMost(1.05, "")},
		}, measurePickup},
		{"heartbeat", []row{
			{"heartbeat", "heartbeat of 100 leases, Redis time per lease", atMost(4, " µs")},
		}, measureHeartbeat},
		{"compile", []row{
			{"compile-time", "compile 1,000 pools with 10,000 tasks", atMost(1, " s")},
			{"compile-nomad", "Nomad's parsing of the same jobs against that", atLeast(2, "×")},
		}, measureCompile},
	}
}

func rowIDs() []string {
	var ids []string
	for _, s := range suites() {
		ids = append(ids, s.ids()...)
	}
	return ids
}

func (s suite) ids() []string {
	ids := make([]string, len(s.rows))
	for i, r := range s.rows {
		ids[i] = r.ID
	}
	return ids
}
