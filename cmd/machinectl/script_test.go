package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// TestMain makes the test binary stand for the programs that scripts and Nomad run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"machinectl":  main,
		"ready-agent": readyAgent,
	})
}

// readyAgent stands for the agent where only its being ready matters: it answers every request on its health port, or,
// with an argument, it fails with that as its last words.
func readyAgent() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, os.Args[1])
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{
		Addr: os.Getenv("NOMAD_ADDR_agent"), ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestOffline is what needs no cluster.
func TestOffline(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/offline", RequireExplicitExec: true, RequireUniqueNames: true})
}

// TestNomad is what needs a cluster, on a real one.
func TestNomad(t *testing.T) {
	runOnCluster(t, startNomad(t))
}

// runOnCluster runs the cluster scripts against a Nomad HTTP API.
func runOnCluster(t *testing.T, address string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/cluster", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			agent, err := exec.LookPath("ready-agent")
			if err != nil {
				return err
			}
			env.Setenv("NOMAD_ADDR", address)
			env.Setenv("MACHINECTL_VAR_agent", agent)
			return nil
		},
	})
}

// startNomad starts a real single-node Nomad for the length of the test and returns its address.
func startNomad(t *testing.T) string {
	t.Helper()
	nomad, err := exec.LookPath("nomad")
	if err != nil {
		t.Skip("skipped: nomad is not on PATH")
	}
	dir := t.TempDir()
	ports := freePorts(t, 3)
	config := filepath.Join(dir, "agent.hcl")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
		ports { 
			http = %d 
			rpc  = %d 
			serf = %d 
		}
		client { options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" } }
		plugin "raw_exec" { 
			config { enabled = true } 
		}`, ports[0], ports[1], ports[2]), 0o600))
	log, err := os.Create(filepath.Join(dir, "nomad.log"))
	require.NoError(t, err)
	cmd := exec.Command(nomad, "agent", "-dev", "-bind", "127.0.0.1", "-config", config)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = log.Close()
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	require.Eventually(t, func() bool { return nodeReady(address) }, 60*time.Second, 200*time.Millisecond, "nomad did not come up; see %s", log.Name())
	return address
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}
