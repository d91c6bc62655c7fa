package decompile_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler/decompile"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares the profile of each job in testdata with the file next to it. The JSON is the output of `nomad
// job run -output` for the HCL next to it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	goldens, err := filepath.Glob("testdata/*.golden.hcl")
	require.NoError(t, err)
	require.Len(t, goldens, len(files), "a golden file without its job")
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			r, err := decompile.Profile(job(t, path), decompile.Options{})
			require.NoError(t, err)
			valid(t, r)
			golden := strings.TrimSuffix(path, ".json") + ".golden.hcl"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(r.Profile), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), r.Profile)
		})
	}
}

func job(t *testing.T, path string) *nomad.Job {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	j := &nomad.Job{}
	require.NoError(t, json.Unmarshal(b, j))
	return j
}

// TestSecretsAreNotShown searches the profile and the notes of each job in testdata for its secrets: all of them contain the
// word sesame, and nothing else does.
func TestSecretsAreNotShown(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	secrets := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		secrets += strings.Count(strings.ToLower(string(text)), "sesame")
		r, err := decompile.Profile(job(t, path), decompile.Options{})
		require.NoError(t, err)
		require.NotContains(t, strings.ToLower(r.Profile+strings.Join(r.Notes, "\n")), "sesame", path)
	}
	require.GreaterOrEqual(t, secrets, 9)
}

// What only looks like a secret is shown.
func TestHarmlessValuesAreShown(t *testing.T) {
	r, err := decompile.Profile(job(t, "testdata/web.json"), decompile.Options{})
	require.NoError(t, err)
	require.Contains(t, r.Profile, "MAX_TOKENS")
	require.Contains(t, r.Profile, "4096")
}
