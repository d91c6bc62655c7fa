package decompile_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/decompile"
	"github.com/emprops/machinectl/hcl/profile"
)

// TestRoundTrip decompiles the jobs of the examples and of the compiler's test profiles: the profile compiles to the
// same revision again, without notes.
func TestRoundTrip(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/profiles.hcl")
	require.NoError(t, err)
	more, err := filepath.Glob("../testdata/*.hcl")
	require.NoError(t, err)
	for _, path := range append(files, more...) {
		p, diags := profile.Load([]string{path}, profile.Options{})
		require.False(t, diags.HasErrors(), "%s", diags)
		pools, diags := compiler.Compile(p)
		require.False(t, diags.HasErrors(), "%s", diags)
		for _, pool := range pools {
			t.Run(filepath.Base(filepath.Dir(path))+"-"+pool.Name, func(t *testing.T) {
				r, err := decompile.Profile(pool.Job, decompile.Options{})
				require.NoError(t, err)
				valid(t, r)
				require.Empty(t, r.Notes, "%s", r.Profile)
				require.True(t, r.Same, "%s", r.Profile)
			})
		}
	}
}

// valid checks a profile's invariants and returns the compiled pools.
func valid(t require.TestingT, r *decompile.Result) []*compiler.Pool {
	p, diags := profile.LoadBytes([]byte(r.Profile), "profile.hcl", profile.Options{})
	require.False(t, diags.HasErrors(), "%s\n%s", diags, r.Profile)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), "%s\n%s", diags, r.Profile)
	formatted, diags := profile.Format([]byte(r.Profile))
	require.False(t, diags.HasErrors())
	require.Equal(t, string(formatted), r.Profile, "not canonical")
	return pools
}

// A restart without a delay, which a profile can't say, is left out where the default one makes its attempts too long.
func TestRestartWithoutADelay(t *testing.T) {
	for attempts, noted := range map[int]bool{21: true, 2: false} {
		task := nomad.NewTask("t", "raw_exec").SetConfig("command", "/bin/true")
		task.RestartPolicy = &nomad.RestartPolicy{Attempts: new(attempts), Interval: new(time.Minute), Delay: new(time.Duration(0))}
		r, err := decompile.Profile(nomad.NewServiceJob("j", "j", "global", 50).AddTaskGroup(nomad.NewTaskGroup("g", 1).AddTask(task)), decompile.Options{})
		require.NoError(t, err)
		require.NotEmpty(t, valid(t, r))
		require.Equal(t, noted, strings.Contains(strings.Join(r.Notes, "\n"), "the restart block of task t (with the default delay"), "%s", r.Notes)
	}
}
