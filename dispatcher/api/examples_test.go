package api_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
)

// work runs every simulation until the test ends.
func (v *site) work() {
	v.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := queue.WorkerInfo{Machine: "m1", Name: "w1", Offer: capability.Offer{Type: "simulation"}}
	require.NoError(v.t, v.queue.Register(ctx, w))
	done := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			var list []queue.Claimed
			list, err = v.queue.Claim(ctx, w, 1, time.Second)
			for _, c := range list {
				err = v.queue.Complete(ctx, c.Lease, queue.Result{Data: []byte(`{"seed":18446744073709551615}`)})
			}
		}
		done <- err
	}()
	v.t.Cleanup(func() {
		cancel()
		require.ErrorIs(v.t, <-done, context.Canceled)
	})
}

// The examples of docs/api.md run as they stand, each in its language.
func TestTheExamplesRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	require.NoError(t, err)
	v := start(t, nil)
	v.work()
	languages := map[string]struct{ file, program string }{
		"bash": {"example.sh", "bash"}, "go": {"example.go", "go"}, "python": {"example.py", "python3"}, "typescript": {"example.mts", "node"},
	}
	found := 0
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		language, known := languages[block[1]]
		if !known {
			continue
		}
		found++
		t.Run(block[1], func(t *testing.T) {
			program, err := exec.LookPath(language.program)
			if err != nil {
				t.Skipf("%s is not on PATH", language.program)
			}
			path := filepath.Join(t.TempDir(), language.file)
			require.NoError(t, os.WriteFile(path, []byte(block[2]), 0o600))
			args := []string{path}
			switch block[1] {
			case "go":
				args = []string{"run", path}
			case "typescript":
				if exec.CommandContext(t.Context(), program, "--experimental-strip-types", "--eval", "").Run() != nil {
					t.Skip("this node doesn't run TypeScript: it needs version 22.6")
				}
				args = []string{"--experimental-strip-types", path}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, args...)
			cmd.Env = append(os.Environ(), "MACHINECTL_DISPATCHER="+v.url, "MACHINECTL_TOKEN="+adminToken)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "completed")
			require.True(t, strings.Contains(string(out), "simulation-"), "%s", out)
		})
	}
	require.Equal(t, len(languages), found)
}
