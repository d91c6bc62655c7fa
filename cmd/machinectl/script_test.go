package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster"
)

// TestMain makes the test binary stand for the programs that scripts and Nomad run.
func TestMain(m *testing.M) {
	// Scripts mostly wait: more of them at the same time than there are processors.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"machinectl":  wellSpoken,
		"ready-agent": readyAgent,
		"note-down":   noteDown,

		"run-agent":      agentMain,
		"machine-agent":  agentMain, // as init finds it
		"run-dispatcher": dispatcherMain,

		"machine-dispatcher": machineDispatcher,
	})
}

// wellSpoken is machinectl, which fails where it doesn't write to people as it should.
// Documents for programs, foreign logs and Nomad's own diff (-verbose) are as they are.
func wellSpoken() {
	ctx, stop := signalled()
	var said bytes.Buffer
	code := run(ctx, os.Args, streams{in: os.Stdin, out: io.MultiWriter(os.Stdout, &said), err: io.MultiWriter(os.Stderr, &said)})
	stop()
	forPrograms := jsonAsked(os.Args) || slices.ContainsFunc(os.Args, func(a string) bool { return slices.Contains([]string{"render", "schema", "logs", "-verbose"}, a) })
	if wrong := misspoken(said.String()); wrong != "" && !forPrograms {
		fmt.Fprintf(os.Stderr, "a test finds %s in what this command wrote\n", wrong)
		os.Exit(99)
	}
	os.Exit(code)
}

// signalled is the context of a program that runs until it is told to end.
func signalled() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

var (
	emptyUnit  = regexp.MustCompile(`\d[hm]0[ms]|\d+\.\d{4,}[mµ]?s\b|\d[eE]\+\d\d`)
	zonelessAt = regexp.MustCompile(`\d\d:\d\d:\d\d(\.\d+)?($|[^0-9Z+.:-])`)
)

// misspoken is a duration or a time that isn't written as people read it, or "".
func misspoken(text string) string {
	if found := emptyUnit.FindString(text); found != "" {
		return fmt.Sprintf("the duration %q", found)
	}
	if found := zonelessAt.FindString(text); found != "" {
		return fmt.Sprintf("the time %q, without a zone,", found)
	}
	return ""
}

// TestMisspoken: the check that all scripts make finds something.
func TestMisspoken(t *testing.T) {
	for text, wrong := range map[string]bool{
		"after 2m0s": true, "1h0m0s": true, "took 1.234567891s": true, "1.23456ms": true, "2m": false, "1h30m": false, "1.235s": false, "10m30s": false,
		"until 2026-01-01 10:00:00": true, "10:00:00 ": true, "2026-01-01 10:00:00Z": false,
		"2026-01-01T10:00:00+01:00": false, "10:00:00-03:00 x": false, "10:00:00.5 x": true, "3e+10": true,
	} {
		require.Equal(t, wrong, misspoken(text) != "", text)
	}
}

// readyAgent stands for the agent where only its being ready matters: it answers every request on its health port, or,
// with an argument or FAIL, it fails with that as its last output.
func readyAgent() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, os.Args[1])
		os.Exit(1)
	}
	if words := os.Getenv("FAIL"); words != "" {
		fmt.Fprintln(os.Stderr, words)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "ready-agent says hello")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	server := &http.Server{
		Addr: os.Getenv("NOMAD_ADDR_agent"), ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	err := server.ListenAndServe()
	failed := ctx.Err() == nil
	stop()
	if failed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// noteDown writes its arguments but the first, and the environment variables TEXT_…, to the file that the first names,
// one a line, and then stays until it is stopped, if STAY is set.
func noteDown() {
	var b strings.Builder
	for _, arg := range os.Args[2:] {
		fmt.Fprintf(&b, "%s\n", arg)
	}
	env := os.Environ()
	slices.Sort(env)
	for _, kv := range env {
		if text, ok := strings.CutPrefix(kv, "TEXT_"); ok {
			fmt.Fprintf(&b, "%s\n", text)
		}
	}
	if err := os.WriteFile(os.Args[1], []byte(b.String()), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv("STAY") != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		<-ctx.Done()
	}
}

// TestOffline is what needs no cluster.
func TestOffline(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/offline", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: commands(),
		Setup: func(env *testscript.Env) error { endQuickly(env.Setenv); return nil },
	})
}

// endQuickly keeps programs with the race detector from sleeping for a second at their end.
func endQuickly(setenv func(name, value string)) { setenv("GORACE", "atexit_sleep_ms=0") }

// TestStandIn is what needs a cluster, on the embedded one.
func TestStandIn(t *testing.T) {
	t.Parallel()
	runOnCluster(t, startCluster(t, devcluster.Options{Embedded: true}).NomadAddr(), testscript.Params{Dir: "testdata/cluster"})
}

// TestNomad is the same on a real Nomad, and what needs a dispatcher.
func TestNomad(t *testing.T) {
	if _, err := exec.LookPath("nomad"); err != nil {
		t.Skip("skipped: nomad is not on PATH")
	}
	t.Parallel()
	c := startCluster(t, devcluster.Options{EmbeddedRedis: true})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		runOnCluster(t, c.NomadAddr(), testscript.Params{Dir: "testdata/cluster"})
	})
	t.Run("dispatched", func(t *testing.T) {
		t.Parallel()
		runDispatched(t, c)
	})
}

// TestScarce is what shows only where there is less than is asked for: each script has a node of its own that holds four
// machines.
func TestScarce(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]devcluster.Options{
		"stand-in": {Embedded: true, Memory: 4 * 128},
		"nomad":    {EmbeddedRedis: true, Memory: 4 * 128},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("nomad"); err != nil && name == "nomad" {
				t.Skip("skipped: nomad is not on PATH")
			}
			t.Parallel()
			scripts, err := filepath.Glob("testdata/scarce/*.txtar")
			require.NoError(t, err)
			for _, script := range scripts {
				t.Run(filepath.Base(script), func(t *testing.T) {
					t.Parallel()
					runOnCluster(t, startCluster(t, opts).NomadAddr(), testscript.Params{Files: []string{script}})
				})
			}
		})
	}
}

func startCluster(t *testing.T, opts devcluster.Options) *devcluster.Cluster {
	t.Helper()
	c, err := devcluster.Start(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(t, c.Stop(ctx))
	})
	return c
}

// runOnCluster runs scripts against a Nomad HTTP API.
func runOnCluster(t *testing.T, address string, scripts testscript.Params) {
	t.Helper()
	scripts.RequireExplicitExec, scripts.RequireUniqueNames, scripts.Cmds = true, true, commands()
	scripts.Deadline = time.Now().Add(8 * time.Minute)
	scripts.Setup = func(env *testscript.Env) error {
		if err := useNamespace(env, address); err != nil {
			return err
		}
		for variable, program := range map[string]string{"agent": "ready-agent", "note_down": "note-down"} {
			path, err := exec.LookPath(program)
			if err != nil {
				return err
			}
			env.Setenv("MACHINECTL_VAR_"+variable, path)
		}
		return nil
	}
	testscript.Run(t, scripts)
}

// useNamespace gives a script a namespace of its own: scripts run at the same time.
func useNamespace(env *testscript.Env, address string) error {
	endQuickly(env.Setenv)
	env.Setenv("NOMAD_ADDR", address)
	namespace := filepath.Base(env.WorkDir)
	env.Setenv("NOMAD_NAMESPACE", namespace)
	client, err := nomad.NewClient(&nomad.Config{Address: address})
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Namespaces().Register(&nomad.Namespace{Name: namespace}, nil)
	return err
}
