package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFailure(t *testing.T) {
	final := &Failing{Task: "agent", Why: "exit code 1", Restarts: 5, Attempts: 5, Final: true}
	restarted := func(n int) *Failing { return &Failing{Task: "comfyui-gpu0", Restarts: n, Attempts: 5} }
	at := func(index int, m Machine) Machine {
		m.ID, m.Group, m.Index = string(rune('a'+index)), "new", index
		return m
	}
	for name, c := range map[string]struct {
		before, now []Machine
		failed      string // the machine that is named
	}{
		"nothing placed":                {},
		"slow":                          {now: []Machine{at(0, Machine{State: Starting})}},
		"restarted a few times":         {now: []Machine{at(0, Machine{State: Starting, Failing: restarted(5)})}},
		"crashes, never often at once":  {now: []Machine{at(0, Machine{State: Starting, Failing: restarted(6)})}, failed: "a"},
		"crashed, and is ready now":     {now: []Machine{at(0, Machine{State: Ready, Failing: restarted(6)})}},
		"failed for good":               {now: []Machine{at(0, Machine{State: Failed, Failing: final})}, failed: "a"},
		"failed beside one that starts": {now: []Machine{at(0, Machine{State: Failed, Failing: final}), at(1, Machine{State: Starting})}},
		"failed beside one that works":  {now: []Machine{at(0, Machine{State: Ready}), at(1, Machine{State: Failed, Failing: final})}},
		"all failed":                    {now: []Machine{at(0, Machine{State: Failed, Failing: final}), at(1, Machine{State: Failed, Failing: final})}, failed: "a"},
		"failed beside one placed again": {
			now: []Machine{at(0, Machine{State: Starting, Replaces: 1}), at(1, Machine{State: Failed, Failing: final})}, failed: "b",
		},
		"placed again, and nothing fails now": {now: []Machine{at(0, Machine{State: Starting, Replaces: 1})}},
		"failed three times in a place beside one that works": {
			now: []Machine{at(0, Machine{State: Ready}), at(1, Machine{State: Failed, Failing: final, Replaces: 2})}, failed: "b",
		},
		"its node went away": {now: []Machine{at(0, Machine{State: Lost})}},
		"failed before it was waited for": {
			before: []Machine{at(0, Machine{State: Failed, Failing: final})}, now: []Machine{at(0, Machine{State: Failed, Failing: final})},
		},
		"restarted before it was waited for": {
			before: []Machine{at(0, Machine{State: Starting, Failing: restarted(90)})}, now: []Machine{at(0, Machine{State: Starting, Failing: restarted(92)})},
		},
		"fails in another revision": {now: []Machine{{ID: "a", Group: "old", State: Failed, Failing: final}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newHistory(c.before).failure("new", c.now)
			if c.failed == "" {
				require.Nil(t, f)
				return
			}
			require.NotNil(t, f)
			require.Equal(t, c.failed, f.Machine.ID)
		})
	}
}

// Between two crashes a machine looks ready.
func TestSettled(t *testing.T) {
	h, now := newHistory(nil), time.Now()
	m := Machine{ID: "a", State: Ready}
	require.True(t, h.isSettled(m, now), "never restarted")
	m.Failing = &Failing{Restarts: 1}
	require.False(t, h.isSettled(m, now))
	require.False(t, h.isSettled(m, now.Add(settleTime-1)))
	m.Failing = &Failing{Restarts: 2}
	require.False(t, h.isSettled(m, now.Add(settleTime)), "restarted again")
	require.True(t, h.isSettled(m, now.Add(2*settleTime)))
	require.True(t, newHistory([]Machine{m}).isSettled(m, now), "it was so before")
}

func TestEnds(t *testing.T) {
	require.Empty(t, ends(""))
	require.Empty(t, ends("\n"))
	require.Equal(t, []string{"a", "", "b"}, ends("a\r\n\nb\n"))
	require.Equal(t, []string{"100 % done"}, ends("\x1b[32m  1 %\r 50 %\r100 % \x1b[1mdone\x1b[0m\a\n"))
	long := ends(string(make([]byte, tailBytes-2)) + "\nlast\n")
	require.Equal(t, []string{"last"}, long, "a line that was cut is left out")
}
