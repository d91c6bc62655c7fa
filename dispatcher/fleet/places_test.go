package fleet_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
)

// TestNamed: a pool's name may be shortened as far as it fits one pool.
func TestNamed(t *testing.T) {
	pools := []string{"eu/default/gpu", "eu/ml/gpu", "us/ml/gpu", "us/ml/cpu", "us/ml/u/x"}
	for _, tc := range []struct{ name, full, problem string }{
		{"cpu", "us/ml/cpu", ""},
		{"default/gpu", "eu/default/gpu", ""},
		{"us/ml/gpu", "us/ml/gpu", ""},
		{"x", "us/ml/u/x", ""},
		{"gpu", "", `there are 3 pools "gpu": write one of the full names eu/default/gpu, eu/ml/gpu, us/ml/gpu`},
		{"ml/gpu", "", `there are 2 pools "ml/gpu": write one of the full names eu/ml/gpu, us/ml/gpu`},
		{"pu", "", `there is no pool "pu"`},
		{"/gpu", "", `there is no pool "/gpu"`},
		{"", "", `there is no pool ""`},
		{"us/ml/", "", `there is no pool "us/ml/"`},
	} {
		full, err := fleet.Named(tc.name, pools)
		require.Equal(t, tc.full, full, tc.name)
		if tc.problem == "" {
			require.NoError(t, err, tc.name)
			continue
		}
		require.EqualError(t, err, tc.problem)
	}
}

// TestIncludes: which places a dispatcher serves.
func TestIncludes(t *testing.T) {
	for _, tc := range []struct {
		where             fleet.Where
		region, namespace string
		want              bool
	}{
		{fleet.Where{}, "eu", "ml", true},
		{fleet.Where{Namespaces: []string{"*"}}, "eu", "ml", true},
		{fleet.Where{Namespaces: []string{"ml", "x"}}, "eu", "ml", true},
		{fleet.Where{Namespaces: []string{"x"}}, "eu", "ml", false},
		{fleet.Where{Regions: []string{"us"}}, "eu", "ml", false},
		{fleet.Where{Regions: []string{"us"}}, "", "ml", true},
		{fleet.Where{Regions: []string{"*"}}, "eu", "", true},
	} {
		require.Equal(t, tc.want, tc.where.Includes(tc.region, tc.namespace), "%+v", tc)
	}
}

const (
	patience = 30 * time.Second
	tick     = 50 * time.Millisecond
)

const mayResize = `capabilities = ["list-jobs", "read-job", "scale-job", "submit-job"]`

func rules(namespaces map[string]string) string {
	text := "node {\n  policy = \"read\"\n}\n"
	for name, rule := range namespaces {
		text += fmt.Sprintf("namespace %q {\n  %s\n}\n", name, rule)
	}
	return text
}

// view is a reading without what tests don't look at.
func view(t *testing.T, c *fleet.Client) (pools, problems, unread []string, byName map[string]*fleet.Pool) {
	t.Helper()
	r, err := c.Read(t.Context())
	require.NoError(t, err)
	byName = map[string]*fleet.Pool{}
	for _, p := range r.Pools {
		byName[p.String()] = &p
		if pools = append(pools, p.String()); p.Problem != "" {
			problems = append(problems, p.String())
		}
	}
	for _, u := range r.Unread {
		unread = append(unread, fmt.Sprintf("%s/%s %v", u.Region, u.Namespace, u.Pools))
	}
	return pools, problems, unread, byName
}

// A token that may read some namespaces, and fewer as the time passes: what it may no longer read stays as it was last read,
// and is never taken for a pool without machines.
func TestWhatTheTokenMayRead(t *testing.T) {
	nomad, root := nomadtest.StartWithACLs(t)
	log := slog.New(slog.DiscardHandler)
	both := map[string]string{"default": mayResize, "ml": mayResize}
	secret := nomadtest.Token(t, nomad, "dispatcher", rules(both))
	for _, namespace := range []string{"default", "ml", "closed"} {
		client := nomadtest.In(t, nomad, namespace, root)
		nomadtest.Pool(t, client, "same", nomadtest.Machine{Group: "test-00000001", Count: 1, Policy: policy(true)})
		nomadtest.Running(t, client, "same", "test-00000001", 1)
	}
	c := fleet.New(nomadtest.As(t, nomad, "unused", secret), fleet.Where{}, log)
	pools, problems, unread, byName := view(t, c)
	require.Equal(t, []string{"global/default/same", "global/ml/same"}, pools)
	require.Empty(t, slices.Concat(problems, unread))
	for _, p := range byName {
		require.Len(t, p.Groups[0].Machines, 1, "each has its own machine")
	}
	require.NotEqual(t, byName["global/default/same"].Groups[0].Machines[0].ID, byName["global/ml/same"].Groups[0].Machines[0].ID)

	t.Run("each is scaled where it is", func(t *testing.T) {
		require.NoError(t, c.Scale(t.Context(), *byName["global/ml/same"], fleet.Change{Group: "test-00000001", Count: 2, Total: 2, Message: "test"}))
		_, _, _, byName := view(t, c)
		require.Equal(t, 2, byName["global/ml/same"].Asked())
		require.Equal(t, 1, byName["global/default/same"].Asked())
	})
	for _, tc := range []struct {
		name string
		rule string
	}{
		{"it may list jobs only", `capabilities = ["list-jobs"]`},
		{"it may list jobs and no more", `capabilities = ["list-jobs", "scale-job"]`},
		{"it may do nothing", `policy = "deny"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			nomadtest.Allow(t, nomad, "dispatcher", rules(map[string]string{"default": mayResize, "ml": tc.rule}))
			pools, problems, unread, byName := view(t, c)
			require.Equal(t, []string{"global/default/same", "global/ml/same"}, pools)
			require.Equal(t, []string{"global/ml/same"}, problems)
			require.Equal(t, []string{"global/ml [global/ml/same]"}, unread)
			require.Equal(t, 2, byName["global/ml/same"].Asked(), "as it was last read")
			require.Contains(t, byName["global/ml/same"].Problem, "the Nomad token may not read this namespace")

			// A dispatcher that starts now has nothing to remember.
			pools, _, unread, _ = view(t, fleet.New(nomadtest.As(t, nomad, "", secret), fleet.Where{}, log))
			require.Equal(t, []string{"global/default/same"}, pools)
			if tc.rule != `policy = "deny"` {
				require.Equal(t, []string{"global/ml []"}, unread, "it sees that there are pools")
			}
		})
	}
	nomadtest.Allow(t, nomad, "dispatcher", rules(both))
	_, problems, unread, _ = view(t, c)
	require.Empty(t, slices.Concat(problems, unread), "it may again")

	t.Run("named namespaces", func(t *testing.T) {
		narrow := func(names ...string) *fleet.Client {
			return fleet.New(nomadtest.As(t, nomad, "", secret), fleet.Where{Namespaces: names}, log)
		}
		pools, _, unread, _ := view(t, narrow("ml", "closed"))
		require.Equal(t, []string{"global/ml/same"}, pools)
		require.Equal(t, []string{"global/closed []"}, unread)
		_, err := narrow("closed").Read(t.Context())
		require.ErrorContains(t, err, "listing the Nomad jobs of namespace closed of region global")
	})
	t.Run("a namespace that is gone", func(t *testing.T) {
		gone := nomadtest.In(t, nomad, "gone", root)
		all := fleet.New(nomad, fleet.Where{}, log)
		named := fleet.New(nomad, fleet.Where{Namespaces: []string{"gone", "default"}}, log)
		nomadtest.Pool(t, gone, "short", nomadtest.Machine{Group: "test-00000001", Policy: policy(true)})
		for _, c := range []*fleet.Client{all, named} {
			pools, _, _, _ := view(t, c)
			require.Contains(t, pools, "global/gone/short")
		}
		_, _, err := gone.Jobs().Deregister("short", true, nil)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			_, err = nomad.Namespaces().Delete("gone", nil)
			return err == nil
		}, patience, tick)
		pools, _, unread, _ := view(t, all)
		require.NotContains(t, pools, "global/gone/short")
		require.Empty(t, unread)
		_, _, unread, _ = view(t, named)
		require.Equal(t, []string{"global/gone []"}, unread, "it was named")
	})
	t.Run("a region that is not there", func(t *testing.T) {
		pools, _, unread, _ := view(t, fleet.New(nomad, fleet.Where{Regions: []string{"global", "mars"}}, log))
		require.Contains(t, pools, "global/default/same")
		require.Equal(t, []string{"mars/* []"}, unread)
		_, err := fleet.New(nomad, fleet.Where{Regions: []string{"mars"}}, log).Read(t.Context())
		require.ErrorContains(t, err, "region mars")
		pools, _, _, _ = view(t, fleet.New(nomad, fleet.Where{Regions: []string{"*"}}, log))
		require.Contains(t, pools, "global/default/same")
	})
	t.Run("everywhere", func(t *testing.T) {
		list, err := fleet.New(nomad, fleet.Where{Namespaces: []string{"ml"}}, log).Everywhere(t.Context())
		require.NoError(t, err)
		require.Equal(t, []fleet.NamespacePools{
			{Region: "global", Namespace: "closed", Pools: []string{"same"}},
			{Region: "global", Namespace: "default", Pools: []string{"same"}},
			{Region: "global", Namespace: "ml", Pools: []string{"same"}},
		}, list)
	})
}
