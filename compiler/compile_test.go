package compiler_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

var update = flag.Bool("update", false, "write the golden files anew")

// load reads a profile that must be without errors.
func load(t *testing.T, opts profile.Options, paths ...string) *profile.Profile {
	t.Helper()
	p, diags := profile.Load(paths, opts)
	require.False(t, diags.HasErrors(), "%s", diags)
	return p
}

// TestGolden compares what each profile in testdata becomes, warnings included, with the file beside it.
func TestGolden(t *testing.T) {
	profiles, err := filepath.Glob("testdata/*.hcl")
	require.NoError(t, err)
	require.NotEmpty(t, profiles)
	for _, path := range profiles {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".hcl"), func(t *testing.T) {
			p := load(t, profile.Options{}, path)
			pools, diags := compiler.Compile(p)
			var got bytes.Buffer
			for _, pool := range pools {
				require.NoError(t, view.JSON(&got, pool.Job))
			}
			require.NoError(t, diag.Printer{Sources: p.Sources}.Text(&got, diags))
			golden := strings.TrimSuffix(path, ".hcl") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

// TestExamples compiles every example, as it stands and as the demo runs it.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/*/profiles.hcl")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 5)
	for _, file := range files {
		example(t, file, profile.Options{})
	}
	example(t, "../examples/emprops/profiles.hcl", profile.Options{VarFiles: []string{"../examples/emprops/demo.vars.hcl"}})
}

func example(t *testing.T, file string, opts profile.Options) {
	t.Helper()
	p := load(t, opts, file)
	pools, diags := compiler.Compile(p)
	require.Empty(t, diags)
	require.Len(t, pools, len(p.Pools))
	for _, pool := range pools {
		require.Equal(t, manifest.GroupName(pool.Source.Machine.Name, pool.Revision), *pool.Group().Name)
		policy, ours, err := manifest.ParsePolicy(pool.Group().Scaling.Policy)
		require.NoError(t, err)
		require.True(t, ours)
		want, err := json.Marshal(pool.Policy)
		require.NoError(t, err)
		got, err := json.Marshal(policy)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
		require.NotEmpty(t, policy.Workers)
	}
}

// TestAgentDocument: what the agent is given decodes, once its run-time values are there.
func TestAgentDocument(t *testing.T) {
	pools, _ := compiler.Compile(load(t, profile.Options{}, "testdata/gpu.hcl"))
	tasks := pools[0].Group().Tasks
	agent := tasks[len(tasks)-1]
	require.Equal(t, manifest.TaskAgent, agent.Name)
	require.True(t, agent.Leader)
	doc, err := manifest.DecodeAgent([]byte(*agent.Templates[0].EmbeddedTmpl))
	require.NoError(t, err)
	require.Equal(t, "heavy", doc.Pool)
	require.Len(t, doc.Services, 3)
	require.Equal(t, []string{"redis-worker-gpu0", "redis-worker-gpu1", "sim0", "sim1"}, []string{
		doc.Workers[0].Name, doc.Workers[1].Name, doc.Workers[2].Name, doc.Workers[3].Name,
	})
	require.Equal(t, "comfyui-gpu1", doc.Workers[1].Service)
}

// The page that every pool links to in Nomad's UI has to be there.
func TestThePageToReadExists(t *testing.T) {
	pools, diags := compiler.Compile(load(t, profile.Options{}, "testdata/api.hcl"))
	require.False(t, diags.HasErrors())
	_, page, ok := strings.Cut(pools[0].Job.UI.Links[0].URL, "/blob/HEAD/")
	require.True(t, ok)
	require.FileExists(t, filepath.Join("..", filepath.FromSlash(page)))
}
