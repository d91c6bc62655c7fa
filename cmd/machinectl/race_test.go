package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/hcl/profile"
)

// TestTwoAppliesAtOnce: of two plans made against the same state and applied at the same time, one wins and the other
// says what moved.
func TestTwoAppliesAtOnce(t *testing.T) {
	t.Parallel()
	address := startCluster(t, devcluster.Options{Embedded: true}).NomadAddr()
	client, err := nomad.NewClient(&nomad.Config{Address: address})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	c := plan.NewCluster(client)
	path := filepath.Join(t.TempDir(), "race.hcl")
	require.NoError(t, os.WriteFile(path, starter, 0o600))
	compiled := func(redis string) []*compiler.Pool {
		p, diags := profile.Load([]string{path}, profile.Options{Vars: map[string]string{"redis": redis}, Env: os.LookupEnv})
		require.False(t, diags.HasErrors(), diags)
		pools, diags := compiler.Compile(p)
		require.False(t, diags.HasErrors(), diags)
		for _, pool := range pools {
			pool.Job.Namespace = new(nomad.DefaultNamespace)
		}
		return pools
	}
	for database, round := range []string{"create", "revise"} {
		var errs [2]error
		var wg sync.WaitGroup
		var plans [2]*plan.Plan
		var pools [2][]*compiler.Pool
		for i := range 2 {
			pools[i] = compiled(fmt.Sprintf("redis://127.0.0.1:1/%d", 2*database+i))
			plans[i], err = plan.Make(t.Context(), c, pools[i], plan.MakeOptions{})
			require.NoError(t, err)
		}
		for i := range 2 {
			wg.Go(func() { errs[i] = plan.Apply(t.Context(), c, plans[i], pools[i], plan.ApplyOptions{}) })
		}
		wg.Wait()
		lost := errs[0]
		if lost == nil {
			lost = errs[1]
		}
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%s: one wins: %v, %v", round, errs[0], errs[1])
		var conflict *plan.ConflictError
		require.ErrorAs(t, lost, &conflict)
		require.NotEmpty(t, conflict.Moved)
		t.Log(lost)
	}
}

// TestTwoProjectsAtOnce: of two projects that create a pool of one name at the same time, one has it, and the other is told
// who does.
func TestTwoProjectsAtOnce(t *testing.T) {
	t.Parallel()
	address := startCluster(t, devcluster.Options{Embedded: true}).NomadAddr()
	client, err := nomad.NewClient(&nomad.Config{Address: address})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	c := plan.NewCluster(client)
	projects := [2]string{"emprops", "studio"}
	var pools [2][]*compiler.Pool
	var plans [2]*plan.Plan
	for i, project := range projects {
		text := strings.Replace(string(starter), `project "starter"`, fmt.Sprintf("project %q", project), 1)
		p, diags := profile.LoadBytes([]byte(text), "profiles.hcl", profile.Options{})
		require.False(t, diags.HasErrors(), diags)
		require.Equal(t, project, p.Project)
		pools[i], diags = compiler.Compile(p)
		require.False(t, diags.HasErrors(), diags)
		pools[i][0].Job.Namespace = new(nomad.DefaultNamespace)
		plans[i], err = plan.Make(t.Context(), c, pools[i], plan.MakeOptions{})
		require.NoError(t, err)
		require.Equal(t, plan.Create, plans[i].Pools[0].Action)
	}
	var errs [2]error
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() { errs[i] = plan.Apply(t.Context(), c, plans[i], pools[i], plan.ApplyOptions{}) })
	}
	wg.Wait()
	winner := 0
	if errs[0] != nil {
		winner = 1
	}
	require.NoError(t, errs[winner])
	foreign := plan.Foreign(errs[1-winner])
	require.Len(t, foreign, 1, "%v", errs[1-winner])
	require.Equal(t, projects[winner], foreign[0].Owner)
	live, _, err := client.Jobs().Info("simulators", nil)
	require.NoError(t, err)
	require.Equal(t, projects[winner], plan.Owner(live))
}
