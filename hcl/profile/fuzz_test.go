package profile_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

func seeds(t testing.TB) []string {
	var out []string
	for _, pattern := range []string{"testdata/invalid/*.hcl", "testdata/valid/*.hcl", "../../examples/*/*.hcl"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			src, err := os.ReadFile(name)
			require.NoError(t, err)
			out = append(out, string(src))
		}
	}
	return out
}

// FuzzLoad: whatever the text, loading ends, without a panic, with diagnostics that can be printed, and in a profile
// whose pools have machines where there are no errors.
func FuzzLoad(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		p, diags := profile.LoadBytes([]byte(src), "f.hcl", profile.Options{FS: fstest.MapFS{}})
		if d := time.Since(start); d > 10*time.Second {
			t.Fatalf("loading took %s", d)
		}
		var b strings.Builder
		if err := (diag.Printer{Sources: p.Sources, Width: 80}).Text(&b, diags); err != nil {
			t.Fatal(err)
		}
		if diags.HasErrors() {
			return
		}
		for _, pool := range p.Pools {
			if pool.Machine == nil || pool.Max < 1 || pool.Min > pool.Max || len(pool.Machine.Workers) == 0 {
				t.Fatalf("no errors, and pool %q is not complete", pool.Name)
			}
		}
	})
}

// The same text gives the same profile and the same diagnostics, also when it is a wild mixture.
func TestLoadIsDeterministic(t *testing.T) {
	var lines []string
	for _, s := range seeds(t) {
		lines = append(lines, strings.Split(s, "\n")...)
	}
	all := seeds(t)
	rapid.Check(t, func(t *rapid.T) {
		src := strings.Split(rapid.SampledFrom(all).Draw(t, "file"), "\n")
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			src[rapid.IntRange(0, len(src)-1).Draw(t, "line")] = rapid.SampledFrom(lines).Draw(t, "by")
		}
		text := []byte(strings.Join(src, "\n"))
		p1, d1 := profile.LoadBytes(text, "f.hcl", profile.Options{})
		p2, d2 := profile.LoadBytes(text, "f.hcl", profile.Options{})
		require.Equal(t, dump(reflect.ValueOf(p1)), dump(reflect.ValueOf(p2)))
		var b1, b2 strings.Builder
		require.NoError(t, diag.JSON(&b1, d1, p1.Sources))
		require.NoError(t, diag.JSON(&b2, d2, p2.Sources))
		require.Equal(t, b1.String(), b2.String())
	})
}
