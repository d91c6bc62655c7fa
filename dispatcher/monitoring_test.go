package dispatcher_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const monitoring = "../examples/monitoring/"

// TestMonitoringNamesRealMetrics: rules and dashboard name metrics that the dispatcher's code makes.
func TestMonitoringNamesRealMetrics(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range regexp.MustCompile(`"(machinectl_[a-z_]+)", *(Help:)? *"`).FindAllStringSubmatch(string(text), -1) {
			made[m[1]] = true
		}
		return err
	}))
	require.Greater(t, len(made), 8)
	for _, file := range []string{"prometheus-rules.yml", "grafana-dashboard.json"} {
		text, err := os.ReadFile(monitoring + file)
		require.NoError(t, err)
		names := regexp.MustCompile(`machinectl_[a-z_]+`).FindAllString(string(text), -1)
		require.NotEmpty(t, names)
		for _, name := range names {
			base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			require.True(t, made[name] || made[base], "%s names %s, which no dispatcher has", file, name)
		}
		require.True(t, strings.HasSuffix(file, ".yml") || json.Valid(text))
	}
}

// TestPrometheusRules: promtool accepts the rules.
func TestPrometheusRules(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("skipped: promtool is not on PATH")
	}
	t.Parallel()
	out, err := exec.Command("promtool", "check", "rules", monitoring+"prometheus-rules.yml").CombinedOutput()
	require.NoError(t, err, string(out))
}
