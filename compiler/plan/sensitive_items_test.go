package plan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/content"
	"github.com/emprops/machinectl/hcl/profile"
)

// withArgs compiles the profile with other arguments of the agent and settings of the worker.
func withArgs(t *testing.T, args string) []*compiler.Pool {
	t.Helper()
	src := strings.NewReplacer("%t", "true", `["-a", var.v, "-b"]`, args).Replace(sensitiveProfile)
	p, diags := profile.LoadBytes([]byte(src), "p.hcl", profile.Options{Vars: map[string]string{"v": "qzxjk", "note": "x"}})
	require.False(t, diags.HasErrors(), "%s", diags)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), "%s", diags)
	return pools
}

// A sensitive item of a list hides itself, not the rest of the list.
func TestSensitiveItemsOfLists(t *testing.T) {
	for name, c := range map[string]struct {
		before, after         string
		shownBefore, shownNow string
	}{
		"another plain item":     {`["-a", var.v, "-b"]`, `["-a", var.v, "-c"]`, "-a (sensitive) -b", "-a (sensitive) -c"},
		"part of an item":        {`["-a", "--token=${var.v}"]`, `["-x", "--token=${var.v}"]`, "-a (sensitive)", "-x (sensitive)"},
		"another sensitive one":  {`["-a", var.v]`, `["-a", upper(var.v)]`, masked, masked},
		"one more":               {`["-a"]`, `["-a", var.v]`, "-a", "-a (sensitive)"},
		"one less":               {`["-a", var.v]`, `["-a"]`, "-a (sensitive)", "-a"},
		"it moves":               {`["-a", var.v, "-b"]`, `["-x", "-a", var.v, "-b"]`, "-a (sensitive) (sensitive)", "-x (sensitive) (sensitive) -b"},
		"only sensitive ones":    {`[var.v]`, `[upper(var.v), var.v]`, masked, masked},
		"spaces":                 {`["a b", var.v]`, `["a", "b", var.v]`, "a b (sensitive)", "a (sensitive) (sensitive)"},
		"none any more, at last": {`[var.v, "-a"]`, `[]`, "(sensitive) -a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			changes := Compare(withArgs(t, c.before), withArgs(t, c.after)).Pools[0].Changes
			for _, change := range changes {
				require.NotContains(t, change.Before+change.After, "qzxjk")
				if change.What == "agent: args" {
					require.Equal(t, Change{What: "agent: args", Before: c.shownBefore, After: c.shownNow}, change)
					return
				}
			}
			require.Fail(t, "no change of the arguments", "%+v", changes)
		})
	}
}

// A revision of an earlier release, which names no items, hides the whole list, and is not changed because of that.
func TestSensitiveListsOfEarlierReleases(t *testing.T) {
	earlier, now := withArgs(t, `["-a", var.v, "-b"]`), withArgs(t, `["-a", var.v, "-b"]`)
	earlier[0].Policy.Sensitive = content.WithoutItems(earlier[0].Policy.Sensitive)
	require.Less(t, len(earlier[0].Policy.Sensitive), len(now[0].Policy.Sensitive))
	same := Compare(earlier, now).Pools[0]
	require.Empty(t, same.Changes)
	require.Equal(t, Nothing, same.Action)

	changes := Compare(earlier, withArgs(t, `["-x", "-a", var.v, "-b"]`)).Pools[0].Changes
	require.Equal(t, []Change{{What: "agent: args", Before: masked, After: masked}}, changes)
}
