package profile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// Each file of testdata/invalid says on the offending line what is to be reported there:
//
//	imgae = "x" # error: Unknown argument "imgae"; Did you mean "image"?
//
// The parts between semicolons must each be found in the diagnostic's summary, detail or advice. A line may have several,
// and nothing else may be reported.
func TestInvalid(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.hcl")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 100)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".hcl"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			p, diags := profile.Load([]string{file}, profile.Options{})
			require.NotNil(t, p)

			checkForm(t, p, diags)
			wanted := expectations(string(src))
			for _, d := range diags {
				require.NotNil(t, d.Subject, d.Summary)
				i := matching(wanted, d)
				if i < 0 {
					t.Errorf("not expected:\n%s", shown(p, d))
					continue
				}
				wanted = append(wanted[:i], wanted[i+1:]...)
			}
			for _, w := range wanted {
				t.Errorf("%s:%d: not reported: %s: %s", file, w.line, w.severity, strings.Join(w.parts, "; "))
			}
		})
	}
}

// headline is how a summary looks: a capital letter, a name in quotes or a name of the language at first, no full stop, and
// nothing of what Go's errors look like.
var headline = regexp.MustCompile(`^([A-Z"]|[a-z_]+[. ()]).*[^.:]$`)

// checkForm checks what holds for all diagnostics: their order, their headlines, their JSON.
func checkForm(t *testing.T, p *profile.Profile, diags hcl.Diagnostics) {
	t.Helper()
	var doc diag.Document
	var b bytes.Buffer
	require.NoError(t, diag.JSON(&b, diags, p.Sources))
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.Len(t, doc.Diagnostics, len(diags))
	last := -1
	for i, d := range diags {
		require.Regexp(t, headline, d.Summary)
		require.LessOrEqual(t, len(d.Summary), 90, d.Summary)
		for _, goish := range []string{": invalid", "failed to", "unexpected EOF", "strconv.", "%!", "<nil>", "errors occurred"} {
			require.NotContains(t, d.Summary, goish)
		}
		requirePlain(t, d)
		require.Equal(t, d.Summary, doc.Diagnostics[i].Summary)
		require.NotNil(t, doc.Diagnostics[i].Range)
		require.NotEmpty(t, doc.Diagnostics[i].Snippet)
		require.GreaterOrEqual(t, d.Subject.Start.Byte, last, "out of order: %s", d.Summary)
		last = d.Subject.Start.Byte
	}
}

type expectation struct {
	line     int
	severity string
	parts    []string
}

func expectations(src string) []expectation {
	var out []expectation
	for i, line := range strings.Split(src, "\n") {
		for _, comment := range strings.Split(line, " # ")[1:] {
			for _, severity := range []string{"error", "warning"} {
				if text, ok := strings.CutPrefix(comment, severity+": "); ok {
					out = append(out, expectation{i + 1, severity, strings.Split(strings.TrimSpace(text), "; ")})
				}
			}
		}
	}
	return out
}

func matching(wanted []expectation, d *hcl.Diagnostic) int {
	severity := map[hcl.DiagnosticSeverity]string{hcl.DiagError: "error", hcl.DiagWarning: "warning"}[d.Severity]
	said := strings.Join([]string{d.Summary, d.Detail, diag.AdviceOf(d)}, "\n")
	for i, w := range wanted {
		all := w.line == d.Subject.Start.Line && w.severity == severity
		for _, part := range w.parts {
			all = all && strings.Contains(said, part)
		}
		if all {
			return i
		}
	}
	return -1
}

func shown(p *profile.Profile, d *hcl.Diagnostic) string {
	var b strings.Builder
	if err := (diag.Printer{Sources: p.Sources}).Text(&b, hcl.Diagnostics{d}); err != nil {
		return fmt.Sprint(err)
	}
	return b.String()
}
