package scaler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/manifest"
)

var types = []string{"comfyui", "openai", "simulation"}

func drawPool(t *rapid.T, name string) Pool {
	var workers []manifest.Worker
	for range rapid.IntRange(1, 3).Draw(t, "workers") {
		w := worker(rapid.IntRange(1, 4).Draw(t, "concurrency"), rapid.SampledFrom(types).Draw(t, "type"))
		if rapid.Bool().Draw(t, "gpu") {
			w.Offer.Flags = []string{"gpu"}
		}
		workers = append(workers, w)
	}
	least := rapid.IntRange(0, 3).Draw(t, "min")
	p := pool(name, rapid.IntRange(0, 12).Draw(t, "count"), least, least+rapid.IntRange(0, 8).Draw(t, "more"), workers...)
	for i := range p.Machines {
		m := &p.Machines[i]
		switch rapid.IntRange(0, 4).Draw(t, "machine") {
		case 0:
			m.IdleSince = time.Time{}
		case 1:
			m.IdleSince = now.Add(-time.Second)
		case 3:
			m.Drained, m.IdleSince = true, now.Add(-time.Hour)
		case 2:
			m.Ready, m.IdleSince, m.Since = false, time.Time{}, now.Add(-time.Duration(rapid.IntRange(0, 200).Draw(t, "age"))*time.Second)
		}
	}
	if len(p.Machines) > 0 && rapid.IntRange(0, 4).Draw(t, "unplaced") == 0 {
		p.Machines = p.Machines[1:]
	}
	ago := func(label string) time.Time {
		if rapid.Bool().Draw(t, label) {
			return time.Time{}
		}
		return now.Add(-time.Duration(rapid.IntRange(0, 120).Draw(t, label+" ago")) * time.Second)
	}
	p.LastUp, p.LastDown = ago("up"), ago("down")
	switch rapid.IntRange(0, 9).Draw(t, "trouble") {
	case 0:
		p.Blocked = "full"
	case 1:
		p.Crashing = "exit 1"
	case 2:
		p.Unknown = "Nomad is away"
	}
	return p
}

func drawSnapshot(t *rapid.T) Snapshot {
	var s Snapshot
	for i := range rapid.IntRange(0, 6).Draw(t, "classes") {
		c := class(fmt.Sprint("c", i), rapid.SampledFrom(types).Draw(t, "type"),
			rapid.Int64Range(0, 50).Draw(t, "waiting"), rapid.Int64Range(0, 10).Draw(t, "running"),
			time.Duration(rapid.IntRange(0, 600).Draw(t, "service"))*time.Second)
		if rapid.Bool().Draw(t, "gpu") {
			c.Requirements.Flags = []string{"gpu"}
		}
		c.ArrivalRate = rapid.Float64Range(0, 5).Draw(t, "rate")
		if rapid.IntRange(0, 4).Draw(t, "paused") == 0 {
			c.Paused = "maintenance"
		}
		s.Classes = append(s.Classes, c)
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "pools") {
		s.Pools = append(s.Pools, drawPool(t, fmt.Sprint("p", i)))
	}
	if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
		s.Unknown = "Redis is away"
	}
	return s
}

func TestRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		for i, d := range Decide(s, now) {
			p := s.Pools[i]
			c := candidate{Pool: &p}
			require.NotEmpty(t, d.Reasons)
			require.Equal(t, p.Count, d.From)

			if s.Unknown != "" || p.Unknown != "" {
				require.Equal(t, max(p.Count, p.Policy.Min), d.Count, "unknown data changes nothing")
				continue
			}
			require.GreaterOrEqual(t, d.Count, min(p.Policy.Min, max(p.Count, p.Policy.Min)), "minimum")
			require.LessOrEqual(t, d.Count, max(p.Policy.Max, p.Count), "maximum")
			require.GreaterOrEqual(t, d.Count, min(p.drained(), p.Policy.Max), "machines drained by an operator stay")
			if p.Count > p.Policy.Max {
				require.LessOrEqual(t, d.Count, p.Policy.Max, "a lowered maximum is followed")
			}
			if d.Count < min(p.Count, p.Policy.Max) {
				require.LessOrEqual(t, min(p.Count, p.Policy.Max)-d.Count, c.removable(now), "only idle machines go")
				require.True(t, p.LastDown.IsZero() || now.Sub(p.LastDown) >= p.Policy.DownCooldown.D(), "down cooldown")
			}
			if d.Count > max(p.Count, p.Policy.Min) {
				require.True(t, p.LastUp.IsZero() || now.Sub(p.LastUp) >= p.Policy.UpCooldown.D(), "up cooldown")
				require.Empty(t, p.Blocked+p.Crashing, "requests no more than can be placed")
				require.GreaterOrEqual(t, d.Need, d.Count)
			}
		}
	})
}

// A drained machine is replaced, within the maximum: the pool has as many serving machines as it would have without it.
func TestADrainedMachineIsReplaced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		s.Pools, s.Unknown = s.Pools[:1], ""
		p := &s.Pools[0]
		p.Blocked, p.Crashing, p.Unknown, p.LastUp, p.LastDown, p.Policy.Min = "", "", "", time.Time{}, time.Time{}, 0
		with := *p
		with.Count++
		with.Policy.Max++
		with.Machines = append(slices.Clone(p.Machines), Machine{ID: "kept", Ready: true, Drained: true, Since: now.Add(-time.Hour)})
		require.Equal(t, Decide(s, now)[0].Count+1, Decide(Snapshot{Classes: s.Classes, Pools: []Pool{with}}, now)[0].Count)
	})
}

func TestEachJobIsDemandedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		jobs := map[string]float64{}
		for _, d := range Decide(s, now) {
			for _, l := range d.Loads {
				jobs[l.Class] += l.Jobs
				require.Positive(t, l.Jobs)
			}
		}
		for _, c := range s.Classes {
			able := slices.ContainsFunc(s.Pools, func(p Pool) bool { return (&candidate{Pool: &p}).servers(c) != 0 })
			if !able {
				require.Zero(t, jobs[c.ID])
				continue
			}
			want := c.Waiting + c.Running
			if c.Paused != "" {
				want = c.Running
			}
			require.InDelta(t, float64(want), jobs[c.ID], 1e-6)
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		want := map[string]int{}
		for _, d := range Decide(s, now) {
			want[d.Pool] = d.Count
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		r.Shuffle(len(s.Classes), func(i, j int) { s.Classes[i], s.Classes[j] = s.Classes[j], s.Classes[i] })
		r.Shuffle(len(s.Pools), func(i, j int) { s.Pools[i], s.Pools[j] = s.Pools[j], s.Pools[i] })
		for _, d := range Decide(s, now) {
			require.Equal(t, want[d.Pool], d.Count, d.Pool)
		}
	})
}

func TestMoreWaitingNeverGivesFewer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		if len(s.Classes) == 0 {
			return
		}
		s.Pools = s.Pools[:1]
		before := Decide(s, now)[0]
		i := rapid.IntRange(0, len(s.Classes)-1).Draw(t, "class")
		s.Classes[i].Waiting += rapid.Int64Range(1, 50).Draw(t, "more")
		require.GreaterOrEqual(t, Decide(s, now)[0].Count, before.Count)
	})
}

// A decision is stable: a pool of the decided size doesn't grow while the load stays the same, nor shrink while it is
// busy.
func TestDecisionIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		s.Pools = s.Pools[:1]
		p := &s.Pools[0]
		p.Blocked, p.Crashing, p.Unknown, s.Unknown, p.LastUp, p.LastDown = "", "", "", "", time.Time{}, time.Time{}
		for i := range p.Machines {
			p.Machines[i].IdleSince = time.Time{}
		}
		d := Decide(s, now)[0]
		if d.Count <= p.Count {
			return
		}
		p.Count = d.Count
		for len(p.Machines) < p.Count {
			p.Machines = append(p.Machines, Machine{ID: "new", Since: now})
		}
		require.Equal(t, d.Count, Decide(s, now)[0].Count, "%+v", d)
	})
}

func TestNeedIsEnoughSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPool(t, "p")
		jobs := map[workerSet]share{}
		for range rapid.IntRange(1, 5).Draw(t, "classes") {
			set := workerSet(rapid.IntRange(1, 1<<len(p.Workers)-1).Draw(t, "set"))
			s := jobs[set]
			s.backlog += float64(rapid.IntRange(1, 20).Draw(t, "slots"))
			jobs[set] = s
		}
		n := p.machinesFor(jobs)
		require.True(t, fits(&p, jobs, n), "%d machines are not enough", n)
		require.False(t, fits(&p, jobs, n-1), "%d machines were enough", n-1)
	})
}

// fits reports whether n machines carry the shares, by maximum flow (augmenting paths over whole slots).
func fits(p *Pool, jobs map[workerSet]share, n int) bool {
	type unit struct{ set workerSet }
	var units []unit
	for set, s := range jobs {
		for range int(s.backlog) {
			units = append(units, unit{set})
		}
	}
	var owner []int // slot → worker
	for i, w := range p.Workers {
		for range w.Concurrency * n {
			owner = append(owner, i)
		}
	}
	taken := make([]int, len(owner))
	for i := range taken {
		taken[i] = -1
	}
	var try func(u int, seen []bool) bool
	try = func(u int, seen []bool) bool {
		for slot, w := range owner {
			if units[u].set&(1<<w) == 0 || seen[slot] {
				continue
			}
			seen[slot] = true
			if taken[slot] < 0 || try(taken[slot], seen) {
				taken[slot] = u
				return true
			}
		}
		return false
	}
	for u := range units {
		if !try(u, make([]bool, len(owner))) {
			return false
		}
	}
	return true
}
