package alertfile_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/hcl/timetext"
)

var update = flag.Bool("update", false, "write the table of rules in docs/alerts.md anew")

// TestDocs: the documented rules are those of the code.
func TestDocs(t *testing.T) {
	const page = "../../docs/alerts.md"
	var b strings.Builder
	b.WriteString("| rule | fires when | threshold | for | severity |\n|---|---|---|---|---|\n")
	for _, r := range alertfile.Rules() {
		threshold := ""
		if r.Unit != "" {
			threshold = fmt.Sprintf("%g %s", r.Threshold, r.Unit)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.Name, r.Doc, threshold, cmp.Or(timetext.Duration(r.For), "0s"), r.Severity)
	}
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(text), "-update -->\n")
	require.True(t, ok)
	_, tail, ok := strings.Cut(rest, "<!-- /rules -->")
	require.True(t, ok)
	want := head + "-update -->\n" + b.String() + "<!-- /rules -->" + tail
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(text), "run go test ./hcl/alertfile -update")
}

// TestExample: the example is a file that works.
func TestExample(t *testing.T) {
	text, err := os.ReadFile("../../examples/monitoring/alerts.hcl")
	require.NoError(t, err)
	_, diags := alertfile.Parse("alerts.hcl", text, alertfile.Source{
		Env:  func(string) (string, bool) { return "https://ops.example/hook", true },
		File: func(string) ([]byte, error) { return []byte("https://chat.example/hook"), nil },
	})
	require.Empty(t, diags)
}
