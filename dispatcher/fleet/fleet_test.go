package fleet_test

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/hcl/manifest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func policy(wanted bool) manifest.Policy {
	return manifest.Policy{Wanted: wanted, Max: 5}
}

// read returns the pool as the fleet sees it.
func read(t *testing.T, c *fleet.Client, name string) fleet.Pool {
	t.Helper()
	reading, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Empty(t, reading.Unread)
	for _, p := range reading.Pools {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no pool %q among %+v", name, reading.Pools)
	return fleet.Pool{}
}

func group(t *testing.T, p fleet.Pool, name string) fleet.Group {
	t.Helper()
	for _, g := range p.Groups {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("no group %q", name)
	return fleet.Group{}
}

func ids(machines []fleet.Machine) []string {
	var list []string
	for _, m := range machines {
		list = append(list, m.ID)
	}
	return list
}

func TestAgainstNomad(t *testing.T) {
	nomad := nomadtest.Start(t)
	c := fleet.New(nomad, fleet.Where{}, slog.New(slog.NewTextHandler(os.Stderr, nil)))

	t.Run("a shrink stops the foretold machines", func(t *testing.T) { shrinkStopsVictims(t, nomad, c) })
	t.Run("a dead low index keeps its place", func(t *testing.T) { deadLowIndex(t, nomad, c) })
	t.Run("a conflict changes nothing", func(t *testing.T) { conflicts(t, nomad, c) })
	t.Run("a group is removed, the other runs on", func(t *testing.T) { removal(t, nomad, c) })
	t.Run("placement and crashes are told apart", func(t *testing.T) { troubles(t, nomad, c) })
	t.Run("a draining node is waited for", func(t *testing.T) { drains(t, nomad, c) })
}

func shrinkStopsVictims(t *testing.T, nomad *api.Client, c *fleet.Client) {
	const pool, name = "shrink", "test-00000001"
	nomadtest.Pool(t, nomad, pool, nomadtest.Machine{Group: name, Count: 4, Policy: policy(true)})
	nomadtest.Running(t, nomad, pool, name, 4)
	p := read(t, c, pool)
	g := group(t, p, name)
	require.Equal(t, 4, p.Total())
	victims, err := g.Victims(2)
	require.NoError(t, err)
	require.Equal(t, []int{3, 2}, []int{victims[0].Index, victims[1].Index})

	require.NoError(t, c.Scale(t.Context(), p, fleet.Change{Group: name, Count: 2, Total: 2, Message: "test"}))
	left := nomadtest.Running(t, nomad, pool, name, 2)
	for _, i := range []int{0, 1} {
		require.Equal(t, g.Machines[i].ID, left[fmt.Sprintf("%s.%s[%d]", pool, name, i)].ID)
	}
	p = read(t, c, pool)
	require.Equal(t, 2, p.Total())
	require.Equal(t, 2, p.Events[0].Total)

	require.NoError(t, c.Scale(t.Context(), p, fleet.Change{Group: name, Count: 3, Total: 3, Message: "test"}))
	p = read(t, c, pool)
	up, down := p.Resized()
	require.WithinDuration(t, time.Now(), up, 10*time.Second)
	require.Zero(t, down, "nothing is known of the total before the first event")
}

// deadLowIndex checks that Nomad counts a dead machine that it has not replaced, and stops a running one with a higher index.
func deadLowIndex(t *testing.T, nomad *api.Client, c *fleet.Client) {
	const pool, name = "dead", "test-00000002"
	script := `if [ "$NOMAD_ALLOC_INDEX" = 0 ]; then rm -f /nonexistent; exec false; fi; exec sleep 100000`
	nomadtest.Pool(t, nomad, pool, nomadtest.Machine{Group: name, Count: 3, Script: script, Policy: policy(true), Restarts: -1})
	nomadtest.Running(t, nomad, pool, name, 2)
	var g fleet.Group
	var p fleet.Pool
	require.Eventually(t, func() bool {
		p = read(t, c, pool)
		g = group(t, p, name)
		return len(g.Machines) == 3 && g.Machines[0].Dead
	}, time.Minute, 50*time.Millisecond)
	require.Contains(t, g.Machines[0].Trouble, "task agent failed: ")
	require.Len(t, g.Live(), 2)
	victims, err := g.Victims(2)
	require.NoError(t, err)
	require.Equal(t, []string{g.Machines[2].ID}, ids(victims), "the running machine goes, the dead one stays")

	require.NoError(t, c.Scale(t.Context(), p, fleet.Change{Group: name, Count: 2, Total: 2, Message: "test"}))
	left := nomadtest.Running(t, nomad, pool, name, 1)
	require.Contains(t, left, pool+"."+name+"[1]", "as foretold")

	// With the dead machine at the top nothing that runs is a victim.
	nomadtest.Pool(t, nomad, "deadtop", nomadtest.Machine{
		Group: name, Count: 2, Policy: policy(true), Restarts: -1,
		Script: `if [ "$NOMAD_ALLOC_INDEX" = 1 ]; then exec false; fi; exec sleep 100000`,
	})
	require.Eventually(t, func() bool {
		p = read(t, c, "deadtop")
		g = group(t, p, name)
		return len(g.Machines) == 2 && g.Machines[1].Dead
	}, time.Minute, 50*time.Millisecond)
	victims, err = g.Victims(1)
	require.NoError(t, err)
	require.Empty(t, victims)
	require.NoError(t, c.Scale(t.Context(), p, fleet.Change{Group: name, Count: 1, Total: 1, Message: "test"}))
	left = nomadtest.Running(t, nomad, "deadtop", name, 1)
	require.Equal(t, g.Machines[0].ID, left["deadtop."+name+"[0]"].ID)
}

func conflicts(t *testing.T, nomad *api.Client, c *fleet.Client) {
	const pool, name = "conflict", "test-00000003"
	nomadtest.Pool(t, nomad, pool, nomadtest.Machine{Group: name, Count: 1, Policy: policy(true)}, nomadtest.Machine{Group: "test-00000004", Policy: policy(false)})
	p := read(t, c, pool)
	require.NoError(t, c.Scale(t.Context(), p, fleet.Change{Group: name, Count: 2, Total: 2, Message: "first"}))
	require.ErrorIs(t, c.Scale(t.Context(), p, fleet.Change{Group: name, Count: 3, Total: 3, Message: "second"}), fleet.ErrConflict)
	require.ErrorIs(t, c.RemoveGroup(t.Context(), p, "test-00000004"), fleet.ErrConflict)
	p = read(t, c, pool)
	require.Equal(t, 2, group(t, p, name).Count)
	require.ErrorContains(t, c.Scale(t.Context(), p, fleet.Change{Group: name, Count: 9, Total: 9, Message: "too many"}), "scaling global/default/conflict/test-00000003 to 9")
}

func removal(t *testing.T, nomad *api.Client, c *fleet.Client) {
	const pool, old, next = "removal", "test-00000005", "test-00000006"
	nomadtest.Pool(t, nomad, pool,
		nomadtest.Machine{Group: old, Policy: policy(false)}, nomadtest.Machine{Group: next, Count: 2, Policy: policy(true)})
	before := nomadtest.Running(t, nomad, pool, next, 2)
	p := read(t, c, pool)
	require.True(t, p.Rolling())
	require.ErrorContains(t, c.RemoveGroup(t.Context(), p, next), "still has a count of 2")
	require.NoError(t, c.RemoveGroup(t.Context(), p, old))
	p = read(t, c, pool)
	require.False(t, p.Rolling())
	require.Len(t, p.Groups, 1)
	after := nomadtest.Running(t, nomad, pool, next, 2)
	for name, a := range before {
		require.Equal(t, a.ID, after[name].ID)
		require.Zero(t, after[name].TaskStates[manifest.TaskAgent].Restarts)
	}
}

func troubles(t *testing.T, nomad *api.Client, c *fleet.Client) {
	nomadtest.Pool(t, nomad, "infeasible", nomadtest.Machine{Group: "test-00000007", Count: 1, Needs: "gpu", Policy: policy(true)})
	g := group(t, read(t, c, "infeasible"), "test-00000007")
	require.Contains(t, g.Blocked, "1 of 1 nodes don't meet the constraint: ${meta.gpu} = yes")
	require.False(t, g.Full)
	require.Empty(t, g.Machines)

	nomadtest.Pool(t, nomad, "full", nomadtest.Machine{Group: "test-00000008", Count: 2, MemoryMB: nomadtest.MemoryMB * 6 / 10, Policy: policy(true)})
	nomadtest.Running(t, nomad, "full", "test-00000008", 1)
	p := read(t, c, "full")
	g = group(t, p, "test-00000008")
	require.Equal(t, "1 of 1 nodes are full: memory", g.Blocked)
	require.True(t, g.Full)
	require.Len(t, g.Machines, 1)
	victims, err := g.Victims(1)
	require.NoError(t, err)
	require.Empty(t, victims, "what was never placed is what goes")
	require.NoError(t, c.Scale(t.Context(), p, fleet.Change{Group: g.Name, Count: 1, Total: 1, Message: "test"}))
	require.Eventually(t, func() bool { return group(t, read(t, c, "full"), g.Name).Blocked == "" }, time.Minute, 50*time.Millisecond)
	_, _, err = nomad.Jobs().Deregister("full", true, nil)
	require.NoError(t, err)

	nomadtest.Pool(t, nomad, "crash", nomadtest.Machine{Group: "test-00000009", Count: 1, Script: "exit 7", Policy: policy(true)})
	require.Eventually(t, func() bool {
		g := group(t, read(t, c, "crash"), "test-00000009")
		return g.Blocked == "" && len(g.Machines) == 1 && g.Machines[0].Trouble != ""
	}, time.Minute, 50*time.Millisecond)
	g = group(t, read(t, c, "crash"), "test-00000009")
	require.Regexp(t, `^task agent restarted \d+ times: .*[Ee]xit [Cc]ode: 7`, g.Machines[0].Trouble)
	_, _, err = nomad.Jobs().Deregister("crash", true, nil)
	require.NoError(t, err)
}

func drains(t *testing.T, nomad *api.Client, c *fleet.Client) {
	const pool, name = "moving", "test-0000000a"
	nomadtest.Pool(t, nomad, pool, nomadtest.Machine{Group: name, Count: 2, Policy: policy(true)})
	before := nomadtest.Running(t, nomad, pool, name, 2)
	var node string
	for _, a := range before {
		node = a.NodeID
	}
	_, err := nomad.Nodes().UpdateDrain(node, &api.DrainSpec{Deadline: time.Hour, IgnoreSystemJobs: true}, false, nil)
	require.NoError(t, err)
	_, err = groupOf(t, c, pool, name).Victims(1)
	require.ErrorContains(t, err, "is draining: Nomad would stop it first")
	_, err = nomad.Nodes().UpdateDrain(node, nil, true, nil)
	require.NoError(t, err)
}

func groupOf(t *testing.T, c *fleet.Client, pool, name string) *fleet.Group {
	g := group(t, read(t, c, pool), name)
	return &g
}
