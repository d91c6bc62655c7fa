package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/devcluster"
)

// What people see fits their terminal, whatever its width, and is coloured there and nowhere else.
func TestWidth(t *testing.T) {
	t.Setenv("NOMAD_ADDR", startCluster(t, devcluster.Options{Embedded: true}).NomadAddr())
	t.Setenv("NOMAD_NAMESPACE", "")
	t.Setenv("TERM", "xterm")
	t.Setenv("MACHINECTL_DISPATCHER", wordyDispatcher(t))
	profile := wordyProfile(t)
	for _, args := range [][]string{
		{"-auto-approve", "-timeout", "60s", profile},
		{"-auto-approve", "-detach", "-target", "pool-with-the-long-name", "-var", "note=" + strings.Repeat("two ", 30), profile},
	} {
		code, out := onPipe(t, append([]string{"apply"}, args...))
		require.Zero(t, code, out)
	}
	broken := filepath.Join(t.TempDir(), "a-profile-with-quite-a-few-mistakes-in-it.hcl")
	require.NoError(t, os.WriteFile(broken, []byte("machine \"m\" {\n  describing_the_machine_at_length = \""+strings.Repeat("long ", 40)+"\"\n}\npool \"p\" { machine = machine.n }\n"), 0o600))

	for name, c := range map[string]struct {
		args    []string
		code    int
		colours bool
		whole   string // a line that is longer than a terminal
	}{
		"status":       {args: []string{"status"}, colours: true, whole: "pool-with-the-long-name"},
		"machines":     {args: []string{"machines"}, colours: true, whole: "pool-with-the-long-name"},
		"plan":         {args: []string{"plan", profile}, colours: true, whole: "machines move over one by one, each when it is idle"},
		"verbose plan": {args: []string{"plan", "-verbose", profile}, colours: true, whole: "machines move over one by one, each when it is idle"},
		"diff":         {args: []string{"diff", profile, profile}, colours: true, whole: "Both profiles make the same pools."},
		"pools":        {args: []string{"pools"}, colours: true, whole: "waits for something that does not come"},
		"jobs":         {args: []string{"jobs"}, colours: true, whole: "waits for something that does not come"},
		"profile":      {args: []string{"validate", broken}, code: exitProfile, colours: true, whole: "A machine block has no argument of this name."},
		"error": {
			args: []string{"status", "-address", "http://127.0.0.1:1/" + strings.Repeat("far/", 60)}, code: exitFailed, colours: true,
			whole: "Set NOMAD_ADDR or -address",
		},
		"usage": {args: []string{"apply", "-target", "x", "-prune", profile}, code: exitUsage, colours: true, whole: "-target and -prune contradict each other: what isn't a target is left alone"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := onPipe(t, c.args)
			require.Equal(t, c.code, code, out)
			require.NotContains(t, out, "\x1b", "colours in a pipe")
			require.Contains(t, out, c.whole)
			for _, width := range []int{60, 80, 200} {
				for _, colours := range []bool{true, false} {
					t.Setenv("NO_COLOR", map[bool]string{true: "", false: "1"}[colours])
					code, out := onTerminal(t, width, c.args)
					require.Equal(t, c.code, code, out)
					fits(t, out, width)
					require.Equal(t, c.colours && colours, strings.Contains(out, "\x1b"), "NO_COLOR: %v\n%s", !colours, out)
				}
			}
		})
	}
}

// The error of an apply that fails has lines out of a log.
func TestWidthOfFailure(t *testing.T) {
	err := &plan.NotReadyError{Failed: true, Pools: []plan.Progress{{
		Pool: "p", Revision: "12345678", Goal: 1, Old: 2, Former: "87654321",
		Failure: &plan.Failure{
			Machine: plan.Machine{ID: "12345678-90", Node: "a-node", Failing: &plan.Failing{Task: "agent", Why: wordy, Restarts: 3}},
			Log:     []string{wordy, "\tindented " + strings.Repeat("x", 300)}, Stream: "stderr",
		},
	}}}
	for _, width := range []int{60, 80, 200} {
		var out bytes.Buffer
		view.Screen{W: &out, Width: width, Color: true}.Error(err)
		fits(t, out.String(), width)
		t.Log("\n" + out.String())
	}
}

// place is where a diagnostic points: it stays whole, so that it can be copied and clicked on.
var place = regexp.MustCompile(`^  \S+:\d+:\d+$`)

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

func fits(t *testing.T, out string, width int) {
	t.Helper()
	for line := range strings.Lines(out) {
		text := strings.TrimRight(colour.ReplaceAllString(line, ""), "\r\n")
		require.NotContains(t, text, "\x1b")
		if place.MatchString(text) {
			continue
		}
		require.LessOrEqual(t, utf8.RuneCountInString(text), width, "wider than %d:\n%s", width, out)
	}
}

// onTerminal runs the program with all its streams on a terminal of that width.
func onTerminal(t *testing.T, width int, args []string) (int, string) {
	t.Helper()
	ours, its, err := pty.Open()
	require.NoError(t, err)
	defer ours.Close()
	require.NoError(t, pty.Setsize(its, &pty.Winsize{Cols: uint16(width), Rows: 40}))
	return ran(t, args, its, ours)
}

// onPipe runs it with its output in a pipe.
func onPipe(t *testing.T, args []string) (int, string) {
	t.Helper()
	ours, its, err := os.Pipe()
	require.NoError(t, err)
	defer ours.Close()
	return ran(t, args, its, ours)
}

func ran(t *testing.T, args []string, its, ours *os.File) (int, string) {
	t.Helper()
	var out bytes.Buffer
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(&out, ours)
		if errors.Is(err, syscall.EIO) { // how a terminal states that nobody has it open any more
			err = nil
		}
		read <- err
	}()
	code := run(context.WithoutCancel(t.Context()), append([]string{"machinectl"}, args...), streams{in: its, out: its, err: its})
	require.NoError(t, its.Close())
	require.NoError(t, <-read)
	return code, out.String()
}

const wordy = "waits for something that does not come, and says so in a sentence that is longer than most terminals are wide, if not all of them"

// wordyDispatcher answers with texts of some length.
func wordyDispatcher(t *testing.T) string {
	t.Helper()
	answers := map[string]string{
		"/v1/machines": `{"machines":[]}`,
		"/v1/status":   `{"leads":true,"unwatched":[{"namespace":"another-namespace-with-a-name","pools":["` + strings.Repeat(`pool-with-the-long-name","`, 9) + `x"]}]}`,
		"/v1/pools": `{"pools":[{"pool":"pool-with-the-long-name","machine":"m","max":2,"namespace":"gpu","status":"steady","reason":"` + wordy + `","paused":[{"type":"t","reason":"` + wordy + `"}],` +
			`"decision":{"reasons":[{"text":"` + wordy + `"},{"text":"` + wordy + `"}]},"groups":[{"revision":"12345678","asked":1,"target":3},{"revision":"87654321","draining":["` +
			strings.Repeat(`0123456789","`, 12) + `x"]}]}]}`,
		"/v1/jobs": `{"jobs":[{"id":"01JZZZZZZZZZZZZZZZZZZZZZZZ","state":"failed","type":"simulation","created_at":"2026-01-01T00:00:00Z","error":{"code":"x","message":"` + wordy + `"}}]}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, answers[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func wordyProfile(t *testing.T) string {
	t.Helper()
	agent, err := exec.LookPath("ready-agent")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "wordy.hcl")
	text := fmt.Sprintf(`
variable "note" { default = "one" }
variable "fail" { default = "" }
machine "m" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 50
    memory = "64MiB"
  }
  agent {
    command = %q
    redis   = "redis://127.0.0.1:1"
    blobs   = "file:///nowhere"
    grace   = "1s"
    env     = { NOTE = var.note, FAIL = var.fail }
    restart { attempts = 0 }
  }
  worker "w" { connector = "simulation" }
}
pool "pool-with-the-long-name" {
  machine = machine.m
  size {
    min = 2
    max = 3
  }
}
pool "another" {
  machine = machine.m
  size {
    min = 1
    max = 3
  }
}
pool "none" {
  machine = machine.m
  size { max = 3 }
  placement {
    constraint {
      attribute = "attr.cpu.arch"
      value     = %q
    }
  }
}
`, agent, wordy)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
