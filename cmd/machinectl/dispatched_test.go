package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/command"
	"github.com/emprops/machinectl/devcluster"
	dispatch "github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/hcl/alertfile"
)

// TestDispatched is what needs a dispatcher and machines with agents, on the embedded cluster.
func TestDispatched(t *testing.T) {
	t.Parallel()
	runDispatched(t, startCluster(t, devcluster.Options{Embedded: true}))
}

// runDispatched gives each script a namespace, a Redis database and a dispatcher of its own.
func runDispatched(t *testing.T, c *devcluster.Cluster) {
	t.Helper()
	redis, err := url.Parse(c.RedisURL())
	require.NoError(t, err)
	var databases atomic.Int32
	agent, err := exec.LookPath("run-agent")
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/dispatcher", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: commands(),
		Deadline: time.Now().Add(8 * time.Minute),
		Setup: func(env *testscript.Env) error {
			if err := useNamespace(env, c.NomadAddr()); err != nil {
				return err
			}
			own := *redis
			own.Path = fmt.Sprint("/", databases.Add(1))
			env.Setenv("MACHINECTL_VAR_redis", own.String())
			env.Setenv("MACHINECTL_VAR_agent", agent)
			env.Setenv("MACHINECTL_VAR_blobs", "file://"+env.WorkDir+"/blobs")
			return startDispatching(env)
		},
	})
}

// startDispatching starts a dispatcher for a script and stops it after it.
func startDispatching(env *testscript.Env) error {
	url, stop, err := spawnDispatcher(env.WorkDir+"/dispatcher.log",
		"NOMAD_ADDR="+env.Getenv("NOMAD_ADDR"), "NOMAD_NAMESPACE="+env.Getenv("NOMAD_NAMESPACE"), "REDIS="+env.Getenv("MACHINECTL_VAR_redis"))
	if err != nil {
		return err
	}
	env.Defer(stop)
	env.Setenv("MACHINECTL_DISPATCHER", url)
	env.Setenv("MACHINECTL_TOKEN", scriptToken)
	return awaitReady(url + "/readyz")
}

// spawnDispatcher starts a dispatcher with variables in its environment, and returns its URL and what stops it.
func spawnDispatcher(logfile string, environ ...string) (url string, stop func(), err error) {
	cmd := exec.Command("run-dispatcher")
	cmd.Env = append(os.Environ(), environ...)
	log, err := os.Create(logfile)
	if err != nil {
		return "", nil, err
	}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, errors.Join(err, log.Close())
	}
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		text, readErr := os.ReadFile(logfile)
		return "", nil, fmt.Errorf("the dispatcher did not start: %w\n%s", errors.Join(err, readErr), text)
	}
	return "http://" + strings.TrimSpace(address), stop, nil
}

// awaitReady polls a URL until it answers with 200: a dispatcher listens before it has reached Redis.
func awaitReady(url string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		resp, err := http.Get(url)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode == http.StatusOK {
			return err
		}
	}
	return fmt.Errorf("%s was not ready within a minute", url)
}

// scriptToken is the admin token of the scripts' dispatchers.
const scriptToken = "the-admin-token-of-scripts"

// dispatcherMain is a dispatcher that is quick, and writes its address to standard output.
func dispatcherMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	rules := alertfile.Default()
	for i := range rules.Rules {
		rules.Rules[i].For = 0
	}
	err := dispatch.Run(ctx, dispatch.Options{
		Alerts: &rules,
		Listen: "127.0.0.1:0", AdminToken: scriptToken, NomadAddr: os.Getenv("NOMAD_ADDR"), Redis: os.Getenv("REDIS"), Namespaces: []string{os.Getenv("NOMAD_NAMESPACE")}, Interval: 500 * time.Millisecond, Survey: 500 * time.Millisecond,
		Ready: func(address string) { fmt.Println(address) },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// agentMain is the agent.
func agentMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	code := command.Run(ctx, command.Invocation{
		Args: os.Args[1:], Getenv: os.Getenv, Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr, Version: "test",
	})
	stop()
	os.Exit(code)
}
