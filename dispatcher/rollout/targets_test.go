package rollout

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNext(t *testing.T) {
	const crash = "machine 1f: task agent restarted 4 times"
	for _, tc := range []struct {
		name   string
		groups []Group
		total  int
		fits   int
		want   map[string]int
		plan   Plan // Targets and Reason are not compared
	}{
		{"one group", []Group{{Name: "new", Wanted: true, Count: 2, Ready: 2}}, 3, 0, map[string]int{"new": 3}, Plan{}},
		{
			"the surge",
			[]Group{{Name: "old", Count: 3, Live: 3, Ready: 3}, {Name: "new", Wanted: true}},
			3, 0,
			map[string]int{"old": 3, "new": 1},
			Plan{Moving: true},
		},
		{
			"not ready yet: nothing more",
			[]Group{{Name: "old", Count: 3, Live: 3, Ready: 3}, {Name: "new", Wanted: true, Count: 1, Live: 1}},
			3, 0,
			map[string]int{"old": 3, "new": 1},
			Plan{Moving: true},
		},
		{
			"one is ready: one may go",
			[]Group{{Name: "old", Count: 3, Live: 3, Ready: 3}, {Name: "new", Wanted: true, Count: 1, Live: 1, Ready: 1}},
			3, 0,
			map[string]int{"old": 2, "new": 1},
			Plan{Moving: true},
		},
		{
			"growth goes to the new group",
			[]Group{{Name: "old", Count: 3, Live: 3, Ready: 3}, {Name: "new", Wanted: true}},
			5, 0,
			map[string]int{"old": 3, "new": 3},
			Plan{Moving: true},
		},
		{
			"a smaller total shrinks the old first",
			[]Group{{Name: "old", Count: 3, Live: 3, Ready: 3}, {Name: "new", Wanted: true, Count: 1, Live: 1, Ready: 1}},
			1, 0,
			map[string]int{"old": 0, "new": 1},
			Plan{Moving: true},
		},
		{
			"nothing is needed",
			[]Group{{Name: "old", Count: 1, Live: 1, Ready: 1}, {Name: "new", Wanted: true}},
			0, 0,
			map[string]int{"old": 0, "new": 0},
			Plan{Moving: true},
		},
		{
			"the only GPU is taken: the waiting machine is withdrawn first",
			[]Group{{Name: "old", Count: 1, Live: 1, Ready: 1}, {Name: "new", Wanted: true, Count: 1, Missing: 1, Blocked: "full", Full: true}},
			1, 0,
			map[string]int{"old": 1, "new": 0},
			Plan{Moving: true, Fits: 1},
		},
		{
			"then the old makes room",
			[]Group{{Name: "old", Count: 1, Live: 1, Ready: 1}, {Name: "new", Wanted: true}},
			1, 1,
			map[string]int{"old": 0, "new": 0},
			Plan{Moving: true, Fits: 1},
		},
		{
			"and ends",
			[]Group{{Name: "old", Stopping: 1}, {Name: "new", Wanted: true}},
			1, 1,
			map[string]int{"old": 0, "new": 0},
			Plan{Moving: true, Fits: 1},
		},
		{
			"before the new one is requested",
			[]Group{{Name: "old"}, {Name: "new", Wanted: true}},
			1, 1,
			map[string]int{"old": 0, "new": 1},
			Plan{Remove: []string{"old"}},
		},
		{
			"one after the other",
			[]Group{{Name: "old", Count: 2, Live: 2, Ready: 2}, {Name: "new", Wanted: true}},
			3, 3,
			map[string]int{"old": 2, "new": 1},
			Plan{Moving: true, Fits: 3},
		},
		{
			"the first new one is not ready yet",
			[]Group{{Name: "old", Count: 2, Live: 2, Ready: 2}, {Name: "new", Wanted: true, Count: 1, Live: 1}},
			3, 3,
			map[string]int{"old": 2, "new": 1},
			Plan{Moving: true, Fits: 3},
		},
		{
			"another job took the room: wait",
			[]Group{{Name: "old", Count: 2, Live: 2, Ready: 2}, {Name: "new", Wanted: true, Count: 1, Missing: 1, Blocked: "full", Full: true}},
			3, 3,
			map[string]int{"old": 2, "new": 1},
			Plan{Moving: true, Fits: 3},
		},
		{
			"it crashes: nothing moves, growth goes to the old",
			[]Group{{Name: "old", Count: 2, Live: 2, Ready: 2}, {Name: "new", Wanted: true, Count: 1, Live: 1, Trouble: crash}},
			3, 0,
			map[string]int{"old": 3, "new": 1},
			Plan{Moving: true, Stalled: crash},
		},
		{
			"no node will ever fit: nothing moves",
			[]Group{{Name: "old", Count: 2, Live: 2, Ready: 2}, {Name: "new", Wanted: true, Count: 1, Missing: 1, Blocked: "missing devices"}},
			2, 0,
			map[string]int{"old": 2, "new": 1},
			Plan{Moving: true, Stalled: "missing devices"},
		},
		{
			"empty old groups leave, those that still stop do not",
			[]Group{{Name: "a"}, {Name: "b", Stopping: 1}, {Name: "new", Wanted: true, Count: 2, Live: 2, Ready: 2}},
			2, 0,
			map[string]int{"a": 0, "b": 0, "new": 2},
			Plan{Moving: true, Remove: []string{"a"}},
		},
		{
			"two old revisions: the one with fewer ready machines goes first",
			[]Group{{Name: "a", Count: 2, Live: 2}, {Name: "b", Count: 2, Live: 2, Ready: 2}, {Name: "new", Wanted: true, Count: 1, Live: 1, Ready: 1}},
			3, 0,
			map[string]int{"a": 0, "b": 2, "new": 1},
			Plan{Moving: true},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Next(tc.groups, tc.total, tc.fits)
			require.Equal(t, tc.want, got.Targets)
			got.Targets, got.Reason = nil, ""
			require.Equal(t, tc.plan, got)
		})
	}
}
