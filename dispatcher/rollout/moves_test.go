package rollout

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// cluster plays Nomad, the machines and the resize loop: places what has room, makes machines ready, ends drained ones.
type cluster struct {
	room   int // machines that fit at once
	groups []Group
}

func (c *cluster) used() int {
	n := 0
	for _, g := range c.groups {
		n += g.Live + g.Stopping
	}
	return n
}

func (c *cluster) ready() int {
	n := 0
	for _, g := range c.groups {
		n += g.Ready
	}
	return n
}

// apply does what the loop does with a plan: grows at once, shrinks when the drained machine is idle (let says so).
func (c *cluster) apply(p Plan, let func() bool) {
	for _, name := range p.Remove {
		for i := range c.groups {
			if c.groups[i].Name == name {
				c.groups = append(c.groups[:i:i], c.groups[i+1:]...)
				break
			}
		}
	}
	for i := range c.groups {
		g := &c.groups[i]
		switch target := p.Targets[g.Name]; {
		case target > g.Count:
			g.Count = target
		case target < g.Count && let():
			g.Count--
			if g.Live > g.Count {
				g.Live--
				g.Stopping++
				g.Ready = min(g.Ready, g.Live)
			}
		}
	}
}

// settle is one step of Nomad and of the machines.
func (c *cluster) settle(let func() bool) {
	for i := range c.groups {
		g := &c.groups[i]
		if g.Stopping > 0 && let() {
			g.Stopping--
		}
		if g.Ready < g.Live && let() {
			g.Ready++
		}
		for g.Live < g.Count && c.used() < c.room {
			g.Live++
		}
		g.Full = g.Live < g.Count
		g.Blocked = ""
		if g.Full {
			g.Blocked = "full"
		}
	}
}

func TestARolloutEndsAndKeepsCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(0, 6).Draw(t, "total")
		c := &cluster{room: max(total, 1) + rapid.IntRange(0, 2).Draw(t, "spare")}
		first := rapid.IntRange(0, total).Draw(t, "a")
		c.groups = []Group{
			{Name: "a", Count: first, Live: first, Ready: first},
			{Name: "b", Count: total - first, Live: total - first, Ready: total - first},
			{Name: "new", Wanted: true},
		}
		least := total // ready machines at any time
		if c.room <= total {
			least = total - 1
		}
		let := func() bool { return rapid.IntRange(0, 2).Draw(t, "chance") > 0 }
		for step := 0; ; step++ {
			require.Less(t, step, 300, "it does not end: %+v", c.groups)
			p := Next(c.groups, total)
			require.Empty(t, p.Stalled)
			sum := 0
			for _, n := range p.Targets {
				sum += n
			}
			require.LessOrEqual(t, sum, total+1, "more than the surge: %+v", p)
			c.apply(p, let)
			if step > 50 {
				let = func() bool { return true }
			}
			c.settle(let)
			require.GreaterOrEqual(t, c.ready(), least, "%+v", c.groups)
			if len(c.groups) == 1 && c.groups[0].Ready == total && c.groups[0].Count == total {
				return
			}
		}
	})
}

func TestAStalledRolloutKeepsTheOldAndServesGrowth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "old")
		total := n + rapid.IntRange(0, 3).Draw(t, "more")
		groups := []Group{{Name: "old", Count: n, Live: n, Ready: n}, {Name: "new", Wanted: true, Count: 1, Live: 1, Trouble: "it crashes"}}
		p := Next(groups, total)
		require.Equal(t, map[string]int{"old": total, "new": 1}, p.Targets)
		require.NotEmpty(t, p.Stalled)
	})
}
