package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// compiledBy are the pools of a profile as a version of machinectl compiles them. change is what it does differently from this
// one.
func compiledBy(t *testing.T, version, text string, vars map[string]string, change func(*nomad.TaskGroup)) []*compiler.Pool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.hcl")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	p, diags := profile.Load([]string{path}, profile.Options{Vars: vars, Env: os.LookupEnv})
	require.False(t, diags.HasErrors(), diags)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), diags)
	for _, pool := range pools {
		pool.Job.Namespace = new(nomad.DefaultNamespace)
		if change != nil {
			change(pool.Group())
			pool.Revision = compiler.Revision(pool.Group())
			pool.Group().Name, pool.Policy.Revision = new(manifest.GroupName(pool.Policy.Machine, pool.Revision)), pool.Revision
		}
		if version != "" {
			require.NoError(t, pool.Stamp(version))
			continue
		}
		doc, err := pool.Policy.Map()
		require.NoError(t, err)
		pool.Group().Scaling.Policy = doc
	}
	return pools
}

// TestRecompiled: a plan tells a new revision that a new machinectl makes of an unchanged profile from one that the profile asks
// for.
func TestRecompiled(t *testing.T) {
	t.Parallel()
	formerly := func(group *nomad.TaskGroup) { group.Tasks[0].Env["FORMER"] = "1" }
	elsewhere := "# The same, elsewhere in its file.\n\n" + interruptedProfile
	for _, c := range []struct {
		name, before, after, text string
		vars                      map[string]string
		change                    func(*nomad.TaskGroup)
		action                    plan.Action
		want                      string // "" is nothing of versions at all
	}{
		{
			name: "another compiler, the same profile", before: "v1.0", after: "v1.1", text: elsewhere, change: formerly, action: plan.Revise,
			want: "! the profile did not change: this machinectl (version v1.1) compiles it differently from the one that applied it (version v1.0)\n" +
				"    -  agent: env FORMER  1\n",
		},
		{
			name: "another compiler and another profile", before: "v1.0", after: "v1.1", text: interruptedProfile, change: formerly, action: plan.Revise,
			vars: map[string]string{"note": "two"}, want: "machinectl v1.0 applied it, and this one is v1.1: some of the difference may come from that\n",
		},
		{
			name: "a compiler that noted nothing", after: "v1.1", text: elsewhere, change: formerly, action: plan.Revise,
			want: "an earlier machinectl applied it and did not record the profile's digest: this one (version v1.1) may compile it differently\n",
		},
		{name: "another profile", before: "v1.1", after: "v1.1", text: interruptedProfile, vars: map[string]string{"note": "two"}, action: plan.Revise},
		{name: "another compiler that does the same", before: "v1.0", after: "v1.1", text: elsewhere, action: plan.Nothing},
		{name: "after one that noted nothing, the same", after: "v1.1", text: interruptedProfile, action: plan.Nothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, err := nomad.NewClient(&nomad.Config{Address: startCluster(t, devcluster.Options{Embedded: true}).NomadAddr()})
			require.NoError(t, err)
			t.Cleanup(client.Close)
			cluster := plan.NewCluster(client)
			former := compiledBy(t, c.before, interruptedProfile, nil, c.change)
			p, err := plan.Make(t.Context(), cluster, former, plan.MakeOptions{})
			require.NoError(t, err)
			require.NoError(t, plan.Apply(t.Context(), cluster, p, former, plan.ApplyOptions{}))

			now := compiledBy(t, c.after, c.text, c.vars, nil)
			p, err = plan.Make(t.Context(), cluster, now, plan.MakeOptions{})
			require.NoError(t, err)
			var out bytes.Buffer
			view.Screen{W: &out}.Plan(p)
			for _, pool := range p.Pools {
				require.Equal(t, c.action, pool.Action, out.String())
			}
			if c.want == "" {
				require.NotContains(t, out.String(), "machinectl")
				return
			}
			require.Equal(t, 2, strings.Count(out.String(), c.want), out.String())

			// Applied, it is the profile's revision, and there is nothing more to say.
			require.NoError(t, plan.Apply(t.Context(), cluster, p, now, plan.ApplyOptions{}))
			p, err = plan.Make(t.Context(), cluster, now, plan.MakeOptions{})
			require.NoError(t, err)
			require.False(t, p.Changes())
		})
	}
}
