package resize

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/queue"
)

// shared plays a Nomad whose pools compete for GPUs, with machines that are ready immediately and jobs that never end.
type shared struct {
	clock   time.Time
	gpus    int
	needs   map[string]int // GPUs a machine, by pool
	pools   []fleet.Pool
	waiting int64
	ups     map[string]int
	downs   map[string]int
	shelf
}

func newShared(gpus int) *shared {
	w := &shared{clock: time.Unix(1_800_000_000, 0), gpus: gpus, waiting: 40, needs: map[string]int{}, ups: map[string]int{}, downs: map[string]int{}}
	for _, p := range []struct {
		name              string
		gpus, least, most int
		flags             []string
	}{
		{"heavy-2x", 2, 0, 1, []string{"cuda", "video"}},
		{"heavy-4x", 4, 0, 1, []string{"cuda", "large-model", "video"}},
		{"standard", 1, 1, 3, []string{"cuda"}},
	} {
		policy := testPolicy("1", true, p.least, p.most)
		policy.Pool, policy.Workers = p.name, nil
		for i := range p.gpus {
			policy.Workers = append(policy.Workers, manifest.Worker{Name: fmt.Sprint("gpu", i), Connector: "simulation", Concurrency: 1, Offer: capability.Offer{Type: "simulation", Flags: p.flags}})
		}
		w.needs[p.name] = p.gpus
		w.pools = append(w.pools, fleet.Pool{ID: fleet.ID{Region: "global", Namespace: "default", Name: p.name}, Index: 1, Nodes: "n", Groups: []fleet.Group{{Name: "m-1", Policy: policy}}})
	}
	return w
}

func (w *shared) free() int {
	free := w.gpus
	for _, p := range w.pools {
		free -= len(p.Groups[0].Machines) * w.needs[p.Name]
	}
	return free
}

func (w *shared) place() {
	for i := range w.pools {
		p, g := &w.pools[i], &w.pools[i].Groups[0]
		for len(g.Machines) < g.Count && w.needs[p.Name] <= w.free() {
			n := len(g.Machines)
			g.Machines = append(g.Machines, fleet.Machine{ID: fmt.Sprint(p.Name, n), Index: n, Since: w.clock})
		}
		g.Blocked, g.Full = "", len(g.Machines) < g.Count
		if g.Full {
			g.Blocked = "1 of 1 nodes are full: devices"
		}
	}
}

func (w *shared) Read(context.Context) (fleet.Reading, error) {
	list := slices.Clone(w.pools)
	for i := range list {
		list[i].Groups = slices.Clone(list[i].Groups)
	}
	return fleet.Reading{Pools: list}, nil
}

func (w *shared) Scale(_ context.Context, p fleet.Pool, c fleet.Change) error {
	for i := range w.pools {
		if g := &w.pools[i].Groups[0]; w.pools[i].Name == p.Name {
			if c.Count > g.Count {
				w.ups[p.Name]++
			} else {
				w.downs[p.Name]++
			}
			g.Count, g.Machines = c.Count, g.Machines[:min(len(g.Machines), c.Count)]
			w.pools[i].Events = slices.Insert(slices.Clone(w.pools[i].Events), 0, fleet.Event{At: w.clock, Group: c.Group, Total: c.Total})
		}
	}
	w.place()
	return nil
}

func (w *shared) RemoveGroup(context.Context, fleet.Pool, string) error { return nil }

func (w *shared) Demand(context.Context) ([]queue.ClassDemand, error) {
	return []queue.ClassDemand{{
		Type: "simulation", Class: "c", Requirements: capability.Requirements{Type: "simulation", Flags: []string{"cuda"}},
		Waiting: w.waiting, ServiceMean: time.Minute,
	}}, nil
}

func (w *shared) Types(context.Context) ([]queue.TypeState, error) { return nil, nil }

func (w *shared) Machines(context.Context) ([]queue.Machine, error) {
	var list []queue.Machine
	for _, p := range w.pools {
		for _, m := range p.Groups[0].Machines {
			report := queue.Machine{ID: m.ID, State: queue.MachineReady, ReadyAt: &m.Since}
			for _, v := range p.Groups[0].Policy.Workers {
				report.Workers = append(report.Workers, queue.WorkerStatus{Name: v.Name, Concurrency: 1, Offer: v.Offer, Jobs: []string{"j"}})
			}
			list = append(list, report)
		}
	}
	return list, nil
}

func (w *shared) Drain(context.Context, string, string, time.Duration) error { return nil }
func (w *shared) Undrain(context.Context, string) error                      { return nil }
func (w *shared) InFlight(context.Context, string) (int, error)              { return 1, nil }

// With more jobs than all GPUs can serve, pools that find no room request a machine a few times in an hour, not all the time.
func TestAPoolThatFindsNoRoomIsLeftAlone(t *testing.T) {
	w := newShared(4)
	l, err := New(Options{Queue: w, Fleet: w, Now: func() time.Time { return w.clock }})
	require.NoError(t, err)
	pass := func(d time.Duration) {
		for end := w.clock.Add(d); w.clock.Before(end); w.clock = w.clock.Add(time.Second) {
			l.pass(t.Context())
		}
	}
	pass(time.Minute)
	require.Equal(t, 3, w.pools[2].Asked(), "what can be served is: %+v", w.pools)
	require.LessOrEqual(t, w.ups["heavy-4x"]+w.ups["heavy-2x"], 4, "%v", w.ups)
	pass(time.Hour)
	require.LessOrEqual(t, w.ups["heavy-4x"], 10, "30 s, 1 min, 2 min, … 15 min")
	require.LessOrEqual(t, w.ups["heavy-2x"], 10)
	require.Equal(t, 1, w.ups["standard"]+w.downs["standard"], "it stays at three")

	// A new node is used immediately, whatever was tried before.
	before := w.ups["heavy-4x"]
	w.gpus = 12
	for i := range w.pools {
		w.pools[i].Nodes = "n2"
	}
	pass(20 * time.Second)
	require.Equal(t, before+1, w.ups["heavy-4x"])
	require.Len(t, w.pools[1].Groups[0].Machines, 1)
}
