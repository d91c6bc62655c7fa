package scaler

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func worker(concurrency int, jobType string, flags ...string) manifest.Worker {
	return manifest.Worker{Name: jobType, Connector: jobType, Concurrency: concurrency, Offer: capability.Offer{Type: jobType, Flags: flags}}
}

func class(id, jobType string, waiting, running int64, service time.Duration, flags ...string) Class {
	return Class{
		ID: id, Requirements: capability.Requirements{Type: jobType, Flags: flags},
		Waiting: waiting, Running: running, ServiceMean: service,
	}
}

// pool returns a pool with count machines, all ready and idle for an hour.
func pool(name string, count, least, most int, workers ...manifest.Worker) Pool {
	p := Pool{Name: name, Count: count, Workers: workers, Policy: manifest.Policy{
		Pool: name, Min: least, Max: most,
		TargetWait: wiretime.Duration(30 * time.Second), UpCooldown: wiretime.Duration(10 * time.Second),
		DownCooldown: wiretime.Duration(time.Minute), IdleAfter: wiretime.Duration(2 * time.Minute), StartTime: wiretime.Duration(90 * time.Second),
	}}
	for i := range count {
		p.Machines = append(p.Machines, Machine{ID: fmt.Sprint(name, i), Ready: true, Since: now.Add(-2 * time.Hour), IdleSince: now.Add(-time.Hour)})
	}
	return p
}

func busy(p Pool, n int) Pool {
	for i := range n {
		p.Machines[i].IdleSince = time.Time{}
	}
	return p
}

func change(p Pool, f func(*Pool)) Pool {
	f(&p)
	return p
}

func TestDecide(t *testing.T) {
	sim := worker(1, "simulation")
	for _, tc := range []struct {
		name    string
		classes []Class
		pools   []Pool
		want    []int
		codes   []Code // of the first pool's decision
	}{
		{"nothing to do, scale to zero", nil, []Pool{pool("a", 3, 0, 5, sim)}, []int{0}, []Code{Demand, Idle}},
		{"the minimum stays", nil, []Pool{pool("a", 3, 1, 5, sim)}, []int{1}, []Code{Demand, Minimum, Idle}},
		{"from zero, by the policy's promise", []Class{class("c", "simulation", 1, 0, 0)}, []Pool{pool("a", 0, 0, 5, sim)}, []int{1}, []Code{Demand}},
		{"no pool can serve it", []Class{class("c", "openai", 9, 0, 0)}, []Pool{pool("a", 0, 0, 5, sim)}, []int{0}, []Code{Demand}},
		{"long jobs need a slot each", []Class{class("c", "simulation", 4, 2, time.Hour)}, []Pool{busy(pool("a", 2, 0, 9, sim), 2)}, []int{6}, []Code{Demand}},
		{"short jobs share", []Class{class("c", "simulation", 60, 0, time.Second)}, []Pool{pool("a", 1, 0, 9, sim)}, []int{2}, []Code{Demand}},
		{"concurrency counts", []Class{class("c", "simulation", 8, 0, time.Hour)}, []Pool{pool("a", 1, 0, 9, worker(4, "simulation"))}, []int{2}, []Code{Demand}},
		{"the maximum holds", []Class{class("c", "simulation", 50, 0, time.Hour)}, []Pool{pool("a", 1, 0, 4, sim)}, []int{4}, []Code{Demand, Maximum}},
		{
			"a scarce pool comes last, though it is the least capable",
			[]Class{class("c", "simulation", 9, 0, time.Hour)},
			[]Pool{change(pool("a", 1, 0, 5, sim), func(p *Pool) { p.Scarce = "full" }), pool("b", 0, 0, 5, worker(1, "simulation", "fast"))},
			[]int{1, 5},
			[]Code{Demand, Scarce},
		},
		{
			"a scarce pool grows if no other can serve the class",
			[]Class{class("c", "simulation", 2, 0, time.Hour)},
			[]Pool{change(pool("a", 0, 0, 5, sim), func(p *Pool) { p.Scarce = "full" })},
			[]int{2},
			[]Code{Demand, Scarce},
		},
		{
			"a request that can't be placed is withdrawn if another pool can serve",
			[]Class{class("c", "simulation", 1, 0, time.Hour)},
			[]Pool{change(pool("a", 0, 0, 5, sim), func(p *Pool) { p.Blocked, p.Count = "full", 1 }), pool("b", 0, 0, 5, worker(1, "simulation", "fast"))},
			[]int{0, 1},
			[]Code{Demand, Blocked},
		},
		{
			"up cooldown",
			[]Class{class("c", "simulation", 4, 0, time.Hour)},
			[]Pool{change(pool("a", 1, 0, 4, sim), func(p *Pool) { p.LastUp = now.Add(-5 * time.Second) })},
			[]int{1},
			[]Code{Demand, UpCooldown},
		},
		{
			"down cooldown", nil,
			[]Pool{change(pool("a", 3, 0, 4, sim), func(p *Pool) { p.LastDown = now.Add(-5 * time.Second) })},
			[]int{3},
			[]Code{Demand, DownCooldown},
		},
		{"busy machines stay", nil, []Pool{busy(pool("a", 3, 0, 5, sim), 2)}, []int{2}, []Code{Demand, NotIdle}},
		{
			"blocked: requests no more",
			[]Class{class("c", "simulation", 9, 0, time.Hour)},
			[]Pool{change(pool("a", 2, 0, 9, sim), func(p *Pool) { p.Blocked = "no node has nvidia/gpu" })},
			[]int{2},
			[]Code{Demand, Blocked},
		},
		{
			"crashing: requests no more",
			[]Class{class("c", "simulation", 9, 0, time.Hour)},
			[]Pool{change(pool("a", 2, 0, 9, sim), func(p *Pool) { p.Crashing = "agent exits 1" })},
			[]int{2},
			[]Code{Demand, Crashing},
		},
		{
			"counted once: idle machines of another pool serve it",
			[]Class{class("c", "simulation", 2, 0, time.Hour)},
			[]Pool{pool("a", 0, 0, 9, sim), pool("b", 2, 0, 9, sim, worker(1, "comfyui", "gpu"))},
			[]int{0, 2},
			[]Code{Demand},
		},
		{
			"counted once: the least capable pool grows",
			[]Class{class("c", "simulation", 2, 0, time.Hour)},
			[]Pool{pool("a", 0, 0, 9, sim, worker(1, "comfyui", "gpu")), pool("b", 0, 0, 9, sim)},
			[]int{0, 2},
			[]Code{Demand},
		},
		{
			"a full pool overflows to the next",
			[]Class{class("c", "simulation", 5, 0, 100*time.Hour)},
			[]Pool{pool("a", 0, 0, 2, sim), pool("b", 0, 0, 9, worker(1, "simulation", "fast"))},
			[]int{2, 3},
			[]Code{Demand},
		},
		{
			"a blocked pool overflows to the next",
			[]Class{class("c", "simulation", 2, 0, time.Hour)},
			[]Pool{change(pool("a", 0, 0, 5, sim), func(p *Pool) { p.Blocked = "full" }), pool("b", 0, 0, 9, worker(1, "simulation", "fast"))},
			[]int{0, 2},
			[]Code{Demand},
		},
		{
			"jobs of a paused type need no machine",
			[]Class{{ID: "c", Requirements: capability.Requirements{Type: "simulation"}, Waiting: 9, Running: 1, ArrivalRate: 5, ServiceMean: time.Hour, Paused: "maintenance"}},
			[]Pool{busy(pool("a", 1, 0, 9, sim), 1)},
			[]int{1},
			[]Code{Demand, Paused},
		},
		{
			"two workers of one machine serve two classes side by side",
			[]Class{class("c", "simulation", 3, 0, time.Hour), class("d", "comfyui", 3, 0, time.Hour)},
			[]Pool{pool("a", 0, 0, 9, sim, worker(1, "comfyui"))},
			[]int{3},
			[]Code{Demand},
		},
		{"over the maximum: shrinks without waiting", []Class{class("c", "simulation", 0, 5, time.Hour)}, []Pool{busy(pool("a", 5, 0, 3, sim), 5)}, []int{3}, nil},
		{"headroom in a steady state", []Class{{ID: "c", Requirements: capability.Requirements{Type: "simulation"}, Running: 10, ArrivalRate: 1, ServiceMean: 10 * time.Second}}, []Pool{busy(pool("a", 11, 0, 30, sim), 10)}, []int{11}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Decide(Snapshot{Classes: tc.classes, Pools: tc.pools}, now)
			for i, d := range got {
				require.Equal(t, tc.want[i], d.Count, "%s: %+v", d.Pool, d)
			}
			if tc.codes != nil {
				var codes []Code
				for _, r := range got[0].Reasons {
					codes = append(codes, r.Code)
				}
				require.Equal(t, tc.codes, codes, "%+v", got[0])
			}
		})
	}
}

// While machines start, the jobs that they will serve cause no further machines, however long the start takes.
func TestStartingMachinesCount(t *testing.T) {
	p := pool("a", 0, 0, 50, worker(1, "simulation"))
	first := Decide(Snapshot{Classes: []Class{class("c", "simulation", 10, 0, time.Minute)}, Pools: []Pool{p}}, now)[0]
	require.Equal(t, 7, first.Count) // 10·60/(60+30)
	p.Count = first.Count
	for i := range p.Count {
		p.Machines = append(p.Machines, Machine{ID: fmt.Sprint(i), Since: now})
	}
	for after := time.Duration(0); after < 90*time.Second; after += 10 * time.Second {
		waiting := 10 + int64(after/(60*time.Second)) // a few more arrive
		d := Decide(Snapshot{Classes: []Class{class("c", "simulation", waiting, 0, time.Minute)}, Pools: []Pool{p}}, now.Add(after))[0]
		require.Equal(t, 7, d.Count, "after %s: %+v", after, d)
	}
}

func TestErlang(t *testing.T) {
	// Textbook values for 10 Erlang and 12 servers: P(wait) = 0.4494, mean wait = 0.4494·S/2.
	service := 10 * time.Second
	require.InDelta(t, 12, steadySlots(10, service, 2300*time.Millisecond, 100), 0)
	require.InDelta(t, 13, steadySlots(10, service, 2200*time.Millisecond, 100), 0)
	require.InDelta(t, 0, steadySlots(0, service, time.Second, 100), 0)
	require.InDelta(t, 4, steadySlots(10, service, time.Second, 4), 0)
}
