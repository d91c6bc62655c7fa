package compiler_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// Each file of testdata/invalid loads, and says on the offending line what compiling it reports, as those of package
// profile do:
//
//	task "comfyui" { leader = true } # error: "leader" can't be set here
func TestInvalid(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.hcl")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".hcl"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			p := load(t, profile.Options{}, file)
			pools, diags := compiler.Compile(p)
			require.Equal(t, diags.HasErrors(), len(pools) == 0)
			wanted := map[string]string{} // "severity:line" → what is to be said
			for i, line := range strings.Split(string(src), "\n") {
				for _, severity := range []string{"error", "warning"} {
					if _, text, ok := strings.Cut(line, " # "+severity+": "); ok {
						wanted[place(severity, i+1)] = text
					}
				}
			}
			for _, d := range diags {
				severity := "warning"
				if d.Severity == hcl.DiagError {
					severity = "error"
				}
				at := place(severity, d.Subject.Start.Line)
				said := d.Summary + "\n" + d.Detail + "\n" + diag.AdviceOf(d)
				require.Contains(t, wanted, at, said)
				for _, part := range strings.Split(wanted[at], "; ") {
					require.Contains(t, said, part)
				}
				delete(wanted, at)
			}
			require.Empty(t, wanted)
		})
	}
}

func place(severity string, line int) string { return fmt.Sprintf("%s on line %d", severity, line) }
