package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/queue"
)

//go:embed scan.lua
var scanSource string

const (
	scanQueue   = "scan:pending"
	scanJobs    = "scan:job:"
	scanPayload = 1 << 10 // bytes, the size of a small workflow
	scanTop     = 100     // how deep the predecessor searched
	scanWarmUp  = 3       // claims of each side before the measured ones
)

// measureScan places the first match at several depths, behind jobs for a larger machine, and compares our claim with a
// scan that reads exactly that deep.
func measureScan(ctx context.Context, e *env) (outcomes, error) {
	s := &scan{e: e, script: redis.NewScript(scanSource), groups: pick(e, 7, 2), claims: 3, cost: map[string]series{}}
	if err := s.script.Load(ctx, e.redis.rdb).Err(); err != nil {
		return nil, err
	}
	var err error
	if s.ours, err = openOurs(ctx, e); err != nil {
		return nil, err
	}
	defer s.ours.Close()
	depths := []int{scanTop, 1_000, pick(e, 10_000, 2_000)}
	var names []string
	for _, depth := range depths {
		for _, who := range []string{"ours", "scan"} {
			names = append(names, fmt.Sprintf("%s at %d", who, depth))
		}
	}
	err = e.interleave(ctx, "scan", names, func(ctx context.Context, name string) error {
		var who string
		var depth int
		if _, err := fmt.Sscanf(name, "%s at %d", &who, &depth); err != nil {
			return err
		}
		return s.sample(ctx, who, depth, name)
	})
	if err != nil {
		return nil, err
	}
	out := outcomes{"starvation": {
		Samples: s.missed, Detail: map[string]series{"ours %": s.missed, fmt.Sprintf("scan of the top %d %%", scanTop): s.starved},
		Note: fmt.Sprintf("a scan of the top %d misses %.0f %% of those beyond it", scanTop, s.starved.median()),
	}}
	for _, depth := range depths[:2] {
		ours, theirs := s.cost[fmt.Sprintf("ours at %d", depth)], s.cost[fmt.Sprintf("scan at %d", depth)]
		out[fmt.Sprintf("scan-%d", depth)] = outcome{
			Samples: theirs.over(ours), Detail: map[string]series{"ours µs": ours, "scan µs": theirs},
			Note: fmt.Sprintf("%.1f µs, scan %.0f µs", ours.median(), theirs.median()),
		}
	}
	return out, nil
}

type scan struct {
	e       *env
	ours    *ours
	script  *redis.Script
	groups  int               // of claims; their median is a sample
	claims  int               // per group
	cost    map[string]series // µs in Redis per claim
	missed  series            // percent of our claims that found no job
	starved series            // the same for scans of the top 100 when the match is deeper
}

// sample starts with an empty Redis and submits depth−1 jobs for a larger machine, then matching ones.
func (s *scan) sample(ctx context.Context, who string, depth int, name string) error {
	if err := s.e.redis.flush(ctx); err != nil {
		return err
	}
	one := s.sampleScan
	if who == "ours" {
		one = s.sampleOurs
	}
	micros, err := one(ctx, depth)
	s.cost[name] = append(s.cost[name], micros)
	return err
}

func (s *scan) sampleOurs(ctx context.Context, depth int) (float64, error) {
	// A new client, because the flush removed what the last one knows to be in Redis.
	o, err := openOurs(ctx, s.e)
	if err != nil {
		return 0, err
	}
	defer o.Close()
	worker := machine("comfyui", "small", 0, 24)
	for _, w := range []queue.WorkerInfo{worker, machine("comfyui", "large", 1, 80)} {
		if err := o.Register(ctx, w); err != nil {
			return 0, err
		}
	}
	parameters := payload(scanPayload)
	if _, err := o.load(ctx, depth-1, func(int) queue.Submission { return needing("comfyui", 48<<10, parameters) }); err != nil {
		return 0, err
	}
	if _, err := o.load(ctx, s.groups*s.claims+scanWarmUp, func(int) queue.Submission { return needing("comfyui", 16<<10, parameters) }); err != nil {
		return 0, err
	}
	warm, err := o.take(ctx, worker, scanWarmUp)
	if err != nil {
		return 0, err
	}
	if err := o.putBack(ctx, warm); err != nil {
		return 0, err
	}
	empty := 0
	micros, err := s.median(ctx, func() error {
		for range s.claims {
			got, err := o.Claim(ctx, worker, 1, 0)
			if err != nil {
				return err
			}
			if len(got) == 0 {
				empty++
			}
		}
		return nil
	})
	s.missed = append(s.missed, 100*float64(empty)/float64(s.groups*s.claims))
	return micros, err
}

// median returns Redis's time for one claim in microseconds, as the median over the groups.
func (s *scan) median(ctx context.Context, group func() error) (float64, error) {
	var costs series
	for range s.groups {
		_, micros, err := s.e.redis.scriptCost(ctx, group)
		if err != nil {
			return 0, err
		}
		costs = append(costs, micros/float64(s.claims))
	}
	return costs.median(), nil
}

func (s *scan) sampleScan(ctx context.Context, depth int) (float64, error) {
	if err := s.loadScan(ctx, depth); err != nil {
		return 0, err
	}
	if err := s.scanAndPutBack(ctx, depth, scanWarmUp); err != nil {
		return 0, err
	}
	micros, err := s.median(ctx, func() error { return s.scanAndPutBack(ctx, depth, s.claims) })
	if err != nil || depth <= scanTop {
		return micros, err
	}
	got, err := s.claim(ctx, scanTop)
	missed := 0.0
	if len(got) == 0 {
		missed = 100
	}
	s.starved = append(s.starved, missed)
	return micros, err
}

// scanAndPutBack claims the match at the given depth and puts it back, n times.
func (s *scan) scanAndPutBack(ctx context.Context, depth, n int) error {
	match := fmt.Sprint(depth)
	for range n {
		got, err := s.claim(ctx, depth)
		if err != nil {
			return err
		}
		if len(got) == 0 || got[0] != match {
			return fmt.Errorf("the scan of the top %d found %v, not the job at that depth", depth, got)
		}
		if err := s.e.redis.rdb.ZAdd(ctx, scanQueue, redis.Z{Score: float64(depth), Member: match}).Err(); err != nil {
			return err
		}
	}
	return nil
}

// claim lets a worker with 24 GB claim a job among the top ones. The result is empty if none fits.
func (s *scan) claim(ctx context.Context, top int) ([]string, error) {
	const worker = `{"worker_id":"small","services":["comfyui","simulation"],"gpu_memory":24,"models":["flux-dev","sdxl"]}`
	return s.script.EvalSha(ctx, s.e.redis.rdb, []string{scanQueue}, top, worker, "small", scanJobs, time.Now().UnixMilli()).StringSlice()
}

// loadScan stores jobs as the predecessor did: one hash per job, with requirements and payload as JSON text.
func (s *scan) loadScan(ctx context.Context, depth int) error {
	body := string(payload(scanPayload))
	pipe := s.e.redis.rdb.Pipeline()
	for i := 1; i <= depth; i++ {
		needs := map[string]any{"gpu_memory": 48, "models": []string{"flux-dev"}}
		if i == depth {
			needs["gpu_memory"] = 16
		}
		requirements, err := json.Marshal(needs)
		if err != nil {
			return err
		}
		pipe.HSet(ctx, scanJobs+fmt.Sprint(i), "id", i, "service_required", "comfyui", "priority", 50, "status", "pending", "retry_count", 0,
			"created_at", time.Now().Format(time.RFC3339), "requirements", requirements, "payload", body)
		pipe.ZAdd(ctx, scanQueue, redis.Z{Score: float64(i), Member: i})
	}
	_, err := pipe.Exec(ctx)
	return err
}
