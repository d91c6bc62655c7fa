package profile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/profile"
)

func TestFormat(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"indentation":       {"pool \"p\" {\nsize {\nmax=1\n}\n}", "pool \"p\" {\n  size {\n    max = 1\n  }\n}\n"},
		"alignment":         {"locals {\n  a = 1\n  bcd = 2\n}\n", "locals {\n  a   = 1\n  bcd = 2\n}\n"},
		"comments":          {"# x\nlocals {\n  a=1 # y\n}\n", "# x\nlocals {\n  a = 1 # y\n}\n"},
		"nothing":           {" \n\n", ""},
		"text is as it was": {"locals {\n  a=<<EOT\n x  y\nEOT\n}\n", "locals {\n  a = <<EOT\n x  y\nEOT\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, diags := profile.Format([]byte(c.src))
			require.Empty(t, diags)
			require.Equal(t, c.want, string(got))
		})
	}
}

// What has wrong syntax comes back as it is, with the place of the error.
func TestFormatWrongSyntax(t *testing.T) {
	got, diags := profile.FormatFile([]byte("locals {\n  a = \n"), "p.hcl")
	require.True(t, diags.HasErrors())
	require.Equal(t, "p.hcl", diags[0].Subject.Filename)
	require.Equal(t, "locals {\n  a = \n", string(got))
}

// The repository's own profiles are formatted, and formatting anything twice is the same as once.
func TestFormatOfFiles(t *testing.T) {
	for pattern, formatted := range map[string]bool{
		"../../examples/*/*.hcl": true, "../../examples/*/*/*.hcl": true, "testdata/valid/*.hcl": true, "testdata/modules/*/*.hcl": true, "testdata/invalid/*.hcl": false,
	} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			once, diags := profile.Format(src)
			if diags.HasErrors() {
				continue
			}
			twice, _ := profile.Format(once)
			require.Equal(t, string(once), string(twice), file)
			if formatted {
				require.Equal(t, string(once), string(src), file)
			}
		}
	}
}
