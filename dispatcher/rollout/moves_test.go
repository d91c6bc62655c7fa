package rollout

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// cluster simulates Nomad, the machines and the resize loop: it places machines while there is room, makes them ready,
// and ends drained ones.
type cluster struct {
	room   int // machines that fit at the same time
	groups []Group
	fits   int
	writes int
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

// apply makes the one change that the loop makes for a plan: it grows immediately, withdraws what has not been placed,
// and shrinks when the drained machine is idle, which let reports.
func (c *cluster) apply(t require.TestingT, p Plan, let func() bool) (changed bool) {
	c.fits = p.Fits
	for _, may := range []func(g *Group, target int) bool{
		func(g *Group, target int) bool { return target > g.Count },
		func(g *Group, target int) bool { return target < g.Count && target >= g.placed() },
		func(g *Group, target int) bool { return target < g.Count && let() },
	} {
		for i := range c.groups {
			g := &c.groups[i]
			target := p.Targets[g.Name]
			if !may(g, target) {
				continue
			}
			c.writes++
			if target >= g.placed() {
				g.Count = target
				g.Missing = g.Count - g.Live
				return true
			}
			for _, other := range c.groups {
				require.False(t, other.Missing > 0 && other.Name != g.Name, "%s stops a machine while %s waits for a place: %+v", g.Name, other.Name, c.groups)
			}
			g.Count = g.Live - 1
			g.Live--
			g.Stopping++
			g.Ready = min(g.Ready, g.Live)
			return true
		}
	}
	for _, name := range p.Remove {
		c.groups = slices.DeleteFunc(c.groups, func(g Group) bool { return g.Name == name })
	}
	return len(p.Remove) > 0
}

// settle advances Nomad and the machines by one step.
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
		g.Missing = g.Count - g.Live
		g.Full, g.Blocked = false, ""
		if g.Missing > 0 && let() { // if not, it is still being evaluated
			g.Full, g.Blocked = true, "full"
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
			p := Next(c.groups, total, c.fits)
			require.Empty(t, p.Stalled)
			sum := 0
			for _, n := range p.Targets {
				sum += n
			}
			require.LessOrEqual(t, sum, total+1, "more than the surge: %+v", p)
			c.apply(t, p, let)
			if step > 50 {
				let = func() bool { return true }
			}
			c.settle(let)
			require.GreaterOrEqual(t, c.ready(), least, "%+v", c.groups)
			if len(c.groups) == 1 && c.groups[0].Ready == total && c.groups[0].Count == total {
				require.LessOrEqual(t, c.writes, 2*total+6, "it goes back and forth")
				return
			}
		}
	})
}

// However the room and the total change, no machine stops while another group waits for a place.
func TestNothingWaitsForThePlaceOfAStoppingMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(0, 4).Draw(t, "total")
		c := &cluster{room: rapid.IntRange(1, 5).Draw(t, "room")}
		c.groups = []Group{
			{Name: "a", Count: rapid.IntRange(0, 2).Draw(t, "a")},
			{Name: "b", Count: rapid.IntRange(0, 2).Draw(t, "b")},
			{Name: "new", Wanted: true, Count: rapid.IntRange(0, 2).Draw(t, "new")},
		}
		let := func() bool { return rapid.Bool().Draw(t, "chance") }
		c.settle(let)
		for range 60 {
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				total = rapid.IntRange(0, 4).Draw(t, "total")
			case 1:
				c.room = rapid.IntRange(1, 5).Draw(t, "room")
			case 2:
				c.fits = 0 // other nodes
			case 3:
				for i := range c.groups {
					if c.groups[i].Wanted {
						c.groups[i].Trouble = rapid.SampledFrom([]string{"", "it crashes"}).Draw(t, "trouble")
					}
				}
			}
			c.apply(t, Next(c.groups, total, c.fits), let)
			c.settle(let)
		}
		for i := range c.groups {
			c.groups[i].Trouble = ""
		}
		c.room = 5
		calm := 0
		for step := 0; calm < 5; step++ {
			require.Less(t, step, 200, "it does not end: %+v", c.groups)
			calm++
			if c.apply(t, Next(c.groups, total, c.fits), func() bool { return true }) {
				calm = 0
			}
			c.settle(func() bool { return true })
		}
		require.Len(t, c.groups, 1)
		require.Equal(t, total, c.groups[0].Ready)
	})
}

func TestAStalledRolloutKeepsTheOldAndServesGrowth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "old")
		total := n + rapid.IntRange(0, 3).Draw(t, "more")
		groups := []Group{{Name: "old", Count: n, Live: n, Ready: n}, {Name: "new", Wanted: true, Count: 1, Live: 1, Trouble: "it crashes"}}
		p := Next(groups, total, 0)
		require.Equal(t, map[string]int{"old": total, "new": 1}, p.Targets)
		require.NotEmpty(t, p.Stalled)
	})
}
