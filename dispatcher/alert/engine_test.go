package alert

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/queue"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

// calm are facts in which nothing is wrong.
func calm(d time.Duration) Facts {
	return Facts{
		At: at(d), Pools: []resize.PoolView{}, Machines: []queue.Machine{}, Classes: []queue.ClassDemand{}, Dead: map[string]int64{}, Unwatched: map[string][]string{},
		Target: func(capability.Requirements) (time.Duration, bool) { return 30 * time.Second, true },
	}
}

// TestEveryRuleHasACondition: the list of rules and what is judged are one.
func TestEveryRuleHasACondition(t *testing.T) {
	all := conditions()
	for _, r := range alertfile.Rules() {
		require.Contains(t, all, r.Name)
		require.NotEmpty(t, r.Doc)
		require.Contains(t, alertfile.Severities(), r.Severity)
		delete(all, r.Name)
	}
	require.Empty(t, all)
}

// TestRules: each rule fires for what it is about, and for that only; with the part of the facts unknown nothing changes.
func TestRules(t *testing.T) {
	ready := start.Add(-time.Hour)
	for _, c := range []struct {
		rule, subject, text string
		wrong               func(*Facts)
		unknown             func(*Facts)
	}{
		{alertfile.CrashLoop, "pool gpu", "agent fails: exit code 1", func(f *Facts) {
			f.Pools = []resize.PoolView{{Pool: "gpu", Status: resize.Crashing, Reason: "agent fails: exit code 1"}, {Pool: "ok", Status: resize.Steady}}
		}, func(f *Facts) { f.Pools = nil }},
		{alertfile.RolloutStalled, "pool gpu", "stalled", func(f *Facts) { f.Pools = []resize.PoolView{{Pool: "gpu", Status: resize.Stalled}} }, func(f *Facts) { f.Pools = nil }},
		{alertfile.NoRoom, "pool gpu", "no GPU is free", func(f *Facts) {
			f.Pools = []resize.PoolView{{Pool: "gpu", Status: resize.Blocked, Reason: "no GPU is free"}}
		}, func(f *Facts) { f.Pools = nil }},
		{alertfile.BelowMinimum, "pool gpu", "1 of at least 2 machines are ready", func(f *Facts) {
			f.Pools = []resize.PoolView{{Pool: "gpu", Min: 2, Ready: 1}, {Pool: "blind", Min: 1, Status: resize.Unknown}, {Pool: "ok", Min: 1, Ready: 1}}
		}, func(f *Facts) { f.Pools = nil }},
		{alertfile.ServiceDown, "service comfyui of machine 12345678 of pool gpu", "connection refused", func(f *Facts) {
			f.Machines = []queue.Machine{
				{ID: "1234567890", Pool: "gpu", ReadyAt: &ready, Services: []queue.ServiceStatus{{Name: "comfyui", Error: "connection refused"}, {Name: "ok", Ready: true}}},
				{ID: "2", Pool: "gpu", Services: []queue.ServiceStatus{{Name: "starts"}}},
				{ID: "3", Pool: "gpu", ReadyAt: &ready, State: queue.MachineStopping, Services: []queue.ServiceStatus{{Name: "ends"}}},
			}
		}, func(f *Facts) { f.Machines = nil }},
		{alertfile.GPUUnhealthy, "GPU 1 of machine m of pool gpu", "XID 79", func(f *Facts) {
			f.Machines = []queue.Machine{{ID: "m", Pool: "gpu", GPUs: []queue.GPUStatus{{Index: 0, Healthy: true}, {Index: 1, Reason: "XID 79"}}}}
		}, func(f *Facts) { f.Machines = nil }},
		{alertfile.WaitOverTarget, "class c1", "3 jobs wait, the first for 1m1s; the target is 30s", func(f *Facts) {
			f.Classes = []queue.ClassDemand{
				{Class: "c1", Waiting: 4, Held: 1, OldestAge: 61 * time.Second},
				{Class: "in time", Waiting: 4, OldestAge: 60 * time.Second},
				{Class: "held", Waiting: 1, Held: 1, OldestAge: time.Hour},
				{Class: "paused", Waiting: 1, Paused: "maintenance", OldestAge: time.Hour},
			}
		}, func(f *Facts) { f.Classes = nil }},
		{alertfile.WaitOverTarget, "class c1", "1 job waits, and no pool can serve them", func(f *Facts) {
			f.Target = func(capability.Requirements) (time.Duration, bool) { return 0, false }
			f.Classes = []queue.ClassDemand{{Class: "c1", Waiting: 1}}
		}, func(f *Facts) { f.Pools = nil }},
		{alertfile.DeadLetters, "type comfyui", "1 job is dead: `machinectl jobs -state dead -type comfyui` shows it", func(f *Facts) { f.Dead = map[string]int64{"comfyui": 1, "openai": 0} }, func(f *Facts) { f.Dead = nil }},
		{alertfile.Unwatched, "namespace batch", "no dispatcher resizes its pools: a, b", func(f *Facts) { f.Unwatched = map[string][]string{"batch": {"a", "b"}} }, func(f *Facts) { f.Unwatched = nil }},
		{alertfile.NomadDown, "Nomad", "it does not answer", func(f *Facts) { f.NomadDown = "it does not answer" }, nil},
	} {
		t.Run(c.rule+" "+c.text, func(t *testing.T) {
			e := NewEngine(alertfile.Default(), nil)
			wrong := func(d time.Duration) Facts { f := calm(d); c.wrong(&f); return f }
			e.Judge(wrong(0))
			e.Judge(wrong(time.Hour))
			list, _ := e.Alerts()
			require.Len(t, list, 1)
			require.Equal(t, []string{c.rule, c.subject, c.text, Firing}, []string{list[0].Rule, list[0].Subject, list[0].Text, list[0].State})
			if c.unknown != nil {
				f := calm(2 * time.Hour)
				c.unknown(&f)
				e.Judge(f)
				list, _ = e.Alerts()
				require.Equal(t, Firing, list[0].State, "what is unknown ends no alert")
				fresh := NewEngine(alertfile.Default(), nil)
				f = wrong(0)
				c.unknown(&f)
				fresh.Judge(f)
				list, _ = fresh.Alerts()
				require.Empty(t, list, "nor does it begin one")
			}
			e.Judge(calm(3 * time.Hour))
			list, _ = e.Alerts()
			require.Equal(t, Resolved, list[0].State)
			e.Judge(calm(30 * time.Hour))
			list, _ = e.Alerts()
			require.Empty(t, list, "a resolved alert is shown for a day")
		})
	}
}

// TestMachineLost: lost is one whose reports end without a word, not one that is stopped, however fast.
func TestMachineLost(t *testing.T) {
	machine := func(id, state string, written time.Duration) queue.Machine {
		return queue.Machine{ID: id, Pool: "global/default/gpu", Region: "global", Namespace: "default", State: state, Node: "n1", At: at(written)}
	}
	pool := func(asked, ready int) []resize.PoolView {
		return []resize.PoolView{{Pool: "global/default/gpu", Name: "gpu", Asked: asked, Ready: ready}}
	}
	e := NewEngine(alertfile.Default(), nil)
	step := func(d time.Duration, pools []resize.PoolView, machines ...queue.Machine) []string {
		f := calm(d)
		f.Pools, f.Machines = pools, append(f.Machines, machines...)
		e.Judge(f)
		list, _ := e.Alerts()
		var firing []string
		for _, a := range list {
			if a.State == Firing {
				firing = append(firing, a.Subject)
			}
		}
		return firing
	}
	const s = time.Second
	a := func(d time.Duration) queue.Machine { return machine("a", queue.MachineReady, d.Truncate(15*s)) }
	// "a" reports on, "b" is killed after its report at 0, "c" ends in order at 15 s, "d" drains, then its report lapses in order.
	for d := time.Duration(0); d < 40*s; d += 5 * s {
		list := []queue.Machine{a(d), machine("b", queue.MachineReady, 0)}
		if d < 15*s {
			list = append(list, machine("c", queue.MachineReady, 0))
		}
		list = append(list, machine("d", queue.MachineStopping, 0))
		require.Empty(t, step(d, pool(2, 2), list...), d)
	}
	require.Equal(t, []string{"machine b of pool global/default/gpu"}, step(40*s, pool(2, 1), a(40*s), machine("b", queue.MachineReady, 0), machine("d", queue.MachineStopping, 0)))
	require.Equal(t, []string{"machine b of pool global/default/gpu"}, step(50*s, pool(2, 1), a(50*s)), "its report has lapsed")
	require.Empty(t, step(60*s, pool(2, 2), a(60*s)), "it is replaced")

	require.Empty(t, step(1000*s, pool(2, 1)), "what happened while nobody looked is unknown")
	require.Empty(t, step(1010*s, pool(2, 1), machine("e", queue.MachineReady, 1010*s)))
	for d := 1020 * s; d < 1050*s; d += 10 * s {
		step(d, pool(2, 1), machine("e", queue.MachineReady, 1010*s))
	}
	require.Len(t, step(1050*s, pool(2, 1), machine("e", queue.MachineReady, 1010*s)), 1)
	require.Empty(t, step(1055*s, pool(2, 1), machine("e", queue.MachineReady, 1055*s)), "it reports again")
}

// TestFor: an alert fires once its condition has held for the rule's time without a break.
func TestFor(t *testing.T) {
	e := NewEngine(alertfile.Default(), nil)
	down := func(d time.Duration, why string) []Alert {
		f := calm(d)
		f.NomadDown = why
		e.Judge(f)
		list, _ := e.Alerts()
		return list
	}
	require.Equal(t, Pending, down(0, "x")[0].State)
	require.Empty(t, down(time.Minute, ""))
	require.Equal(t, Pending, down(2*time.Minute, "x")[0].State)
	require.Equal(t, Pending, down(3*time.Minute, "x")[0].State)
	require.Equal(t, Firing, down(4*time.Minute, "y")[0].State)
	require.Equal(t, "y", down(4*time.Minute, "y")[0].Text)
	require.Equal(t, Resolved, down(5*time.Minute, "")[0].State)
	again := down(6*time.Minute, "z")
	require.Equal(t, []any{Pending, at(6 * time.Minute)}, []any{again[0].State, again[0].Since})
}

// TestTelling: what a receiver is told over the life of an alert, and when it fails.
func TestTelling(t *testing.T) {
	ops := alertfile.Receiver{Name: "ops", Kind: alertfile.Webhook}
	other := alertfile.Receiver{Name: "other", Kind: alertfile.Webhook}
	rule := alertfile.Setting{Rule: alertfile.Rule{Name: alertfile.NomadDown}, Repeat: time.Hour, Receivers: []string{"ops"}}
	e := NewEngine(alertfile.Config{Rules: []alertfile.Setting{rule}, Receivers: []alertfile.Receiver{ops, other}}, nil)
	step := func(d time.Duration, why string, fails bool) (told []string) {
		f := calm(d)
		f.NomadDown = why
		e.Judge(f)
		for _, m := range e.due(f.At) {
			var err error
			if fails {
				err = errors.New("refused")
			}
			e.told(m, f.At, err)
			told = append(told, m.receiver.Name+" "+m.alert.State)
		}
		return told
	}
	const s = time.Second
	for _, c := range []struct {
		d     time.Duration
		why   string
		fails bool
		want  []string
	}{
		{0, "x", true, []string{"ops firing"}},
		{5 * s, "x", true, nil},
		{10 * s, "x", true, []string{"ops firing"}},
		{25 * s, "x", false, nil},
		{30 * s, "x", false, []string{"ops firing"}},
		{40 * s, "x", false, nil},
		{30*s + time.Hour, "x", false, []string{"ops firing"}},
		{31*s + time.Hour, "", true, []string{"ops resolved"}},
		{41*s + time.Hour, "", false, []string{"ops resolved"}},
		{2 * time.Hour, "", false, nil},
		{3 * time.Hour, "x", true, []string{"ops firing"}},
		{3*time.Hour + 10*s, "", false, nil}, // it never knew
	} {
		require.Equal(t, c.want, step(c.d, c.why, c.fails), c.d)
	}
}

// TestEngineInvariants: whatever the facts, a receiver hears "resolved" only after "firing" and never twice the same within
// the time to repeat; and an engine made from what another one kept goes on as that one would.
func TestEngineInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := alertfile.Default()
		e := NewEngine(config, nil)
		heard := map[string]string{}
		now := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second
			f := calm(now)
			if rapid.Bool().Draw(t, "down") {
				f.NomadDown = "x"
			}
			for i := range rapid.IntRange(0, 3).Draw(t, "pools") {
				f.Pools = append(f.Pools, resize.PoolView{Pool: fmt.Sprint(i), Status: rapid.SampledFrom([]string{resize.Steady, resize.Crashing, resize.Blocked, resize.Unknown}).Draw(t, "status"), Min: 1, Ready: i % 2})
			}
			if rapid.IntRange(0, 4).Draw(t, "unknown") == 0 {
				f.Pools = nil
			}
			e.Judge(f)
			for _, m := range e.due(f.At) {
				key := m.alert.key() + "\t" + m.receiver.Name
				if m.alert.State == Resolved && heard[key] != Firing {
					t.Fatalf("%s is resolved, which nobody knew to fire", key)
				}
				var err error
				if rapid.Bool().Draw(t, "fails") {
					err = errors.New("refused")
				} else {
					heard[key] = m.alert.State
				}
				e.told(m, f.At, err)
			}
			list, dropped := e.Alerts()
			if dropped != 0 || !slices.IsSortedFunc(list, func(a, b Alert) int {
				return slices.Index([]string{Firing, Pending, Resolved}, a.State) - slices.Index([]string{Firing, Pending, Resolved}, b.State)
			}) {
				t.Fatalf("%d dropped, or not sorted: %v", dropped, list)
			}
			if rapid.IntRange(0, 5).Draw(t, "another leads") == 0 {
				e = NewEngine(config, list)
			}
		}
	})
}

// TestBounded: a flood of subjects is counted, not kept.
func TestBounded(t *testing.T) {
	e := NewEngine(alertfile.Default(), nil)
	f := calm(0)
	for i := range maxAlerts + 5 {
		f.Dead[fmt.Sprint("t", i)] = 1
	}
	e.Judge(f)
	list, dropped := e.Alerts()
	require.Len(t, list, maxAlerts)
	require.Equal(t, 5, dropped)
}
