package scaler

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// candidate is a pool during the split of classes between pools.
type candidate struct {
	*Pool
	cost    int // how capable its machines are: the least capable is used first
	have    int // machines that run or are starting
	limit   int // machines it may have
	horizon time.Duration
	used    map[workerSet]float64 // slots already taken
	shares  map[workerSet]share
	loads   []Load
	paused  int64 // jobs that its machines could run if their types were not paused
}

// split assigns the classes' jobs to pools, each job to exactly one. It leaves out classes that no pool can serve.
func split(classes []Class, pools []Pool, now time.Time) []*candidate {
	candidates := make([]*candidate, len(pools))
	for i := range pools {
		candidates[i] = newCandidate(&pools[i], now)
	}
	order := slices.Clone(candidates)
	slices.SortFunc(order, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.Name, b.Name))
	})
	type fit struct {
		class Class
		pools []*candidate
		sets  []workerSet
	}
	var fits []fit
	for _, c := range classes {
		if c.Paused != "" {
			for _, p := range order {
				if p.servers(c) != 0 {
					p.paused += c.Waiting
				}
			}
			c.Waiting, c.ArrivalRate = 0, 0
		}
		if c.Waiting+c.Running <= 0 {
			continue
		}
		f := fit{class: c}
		for _, p := range order {
			if set := p.servers(c); set != 0 {
				f.pools, f.sets = append(f.pools, p), append(f.sets, set)
			}
		}
		if len(f.pools) > 0 {
			fits = append(fits, f)
		}
	}
	// Classes with the fewest pools choose first: the others can go elsewhere.
	slices.SortFunc(fits, func(a, b fit) int {
		return cmp.Or(cmp.Compare(len(a.pools), len(b.pools)), cmp.Compare(a.class.ID, b.class.ID))
	})
	for _, f := range fits {
		place(f.class, f.pools, f.sets)
	}
	return candidates
}

// place assigns a class's jobs to pools that have room, then to pools that may grow, and the rest to the first pool
// that isn't scarce.
func place(c Class, pools []*candidate, sets []workerSet) {
	left := float64(c.Waiting + c.Running)
	total := left
	give := func(i int, jobs float64) {
		if jobs > 0 {
			pools[i].take(c, sets[i], jobs, jobs/total)
			left -= jobs
		}
	}
	for _, machines := range []func(*candidate) int{
		func(p *candidate) int { return p.have },
		func(p *candidate) int { return p.limit },
	} {
		for i, p := range pools {
			if left > 1e-9 {
				give(i, min(left, p.room(sets[i], machines(p))/slotsPerJob(c.service(), p.horizon)))
			}
		}
	}
	if left > 1e-9 {
		give(max(slices.IndexFunc(pools, func(p *candidate) bool { return p.Scarce == "" }), 0), left)
	}
}

func newCandidate(p *Pool, now time.Time) *candidate {
	c := &candidate{
		Pool: p, have: max(p.Count-p.drained(), 0), limit: max(max(p.Policy.Max, p.Count)-p.drained(), 0),
		horizon: p.Policy.TargetWait.D() + p.startLeft(now),
		used:    map[workerSet]float64{}, shares: map[workerSet]share{},
	}
	// Machines that can't start don't count as room: their jobs go to another pool, if any.
	switch {
	case p.Unknown != "" || p.Held != "":
		c.limit = c.have // what it runs stays, and it isn't resized
	case p.Manual != nil:
		c.limit = max(p.manual()-p.drained(), 0)
		c.have = min(c.have, c.limit)
	case p.Crashing != "":
		c.have = p.ready()
		c.limit = c.have
	case p.Blocked != "":
		c.have = len(p.Machines) - p.drained()
		c.limit = c.have
	case p.Scarce != "":
		c.limit = c.have
	}
	for _, w := range p.Workers {
		c.cost += 1 + len(w.Offer.Flags) + len(w.Offer.Attrs)
	}
	return c
}

func (c *candidate) servers(class Class) workerSet {
	return c.setOf(func(i int) bool { return class.Requirements.Match(c.Workers[i].Offer) == nil })
}

// room returns how many slots of the set's workers would be free on the given number of machines.
func (c *candidate) room(set workerSet, machines int) float64 {
	free := c.slots(set) * float64(machines)
	for other, n := range c.used {
		if other&set != 0 {
			free -= n
		}
	}
	return max(free, 0)
}

// take adds jobs of the class to what the pool serves; fraction is their share of all the class's jobs.
func (c *candidate) take(class Class, set workerSet, jobs, fraction float64) {
	slots := backlogSlots(jobs, class.service(), c.horizon)
	s := c.shares[set]
	s.backlog += slots
	s.jobs += jobs
	s.rate += class.ArrivalRate * fraction
	s.work += time.Duration(class.ArrivalRate * fraction * float64(class.service()))
	c.shares[set] = s
	c.used[set] += slots
	if n := len(c.loads); n > 0 && c.loads[n-1].Class == class.ID {
		c.loads[n-1].Jobs += jobs
		c.loads[n-1].Slots += slots
		return
	}
	c.loads = append(c.loads, Load{Class: class.ID, Jobs: jobs, Slots: slots})
}

func (c Class) service() time.Duration {
	if c.ServiceMean <= 0 {
		return DefaultService
	}
	return c.ServiceMean
}

// manual returns the number of machines that an operator chose, within the policy's maximum.
func (p *Pool) manual() int { return min(p.Manual.Count, p.Policy.Max) }

func (p *Pool) ready() int {
	n := 0
	for _, m := range p.Machines {
		if m.Ready && !m.Drained {
			n++
		}
	}
	return n
}

// drained counts the machines that run but serve nothing.
func (p *Pool) drained() int {
	n := 0
	for _, m := range p.Machines {
		if m.Drained {
			n++
		}
	}
	return n
}

// startLeft returns how long the machine placed last still needs to become ready, or 0 if none is starting.
func (p *Pool) startLeft(now time.Time) time.Duration {
	cold := p.ColdStart
	if cold <= 0 {
		cold = p.Policy.StartTime.D()
	}
	left := time.Duration(0)
	for _, m := range p.Machines {
		if !m.Ready && !m.Drained {
			left = max(left, min(cold, cold-now.Sub(m.Since)))
		}
	}
	if p.Count > len(p.Machines) && p.Blocked == "" {
		left = max(left, cold) // requested but not placed yet
	}
	if left < 0 || math.IsNaN(left.Seconds()) {
		return 0
	}
	return left
}
