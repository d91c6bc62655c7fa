package dispatcher_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// asDispatcher is set in the environment of a test binary that should run a dispatcher; its value has the options.
const asDispatcher = "MACHINECTL_TEST_DISPATCHER"

func TestMain(m *testing.M) {
	if text := os.Getenv(asDispatcher); text != "" {
		if err := beDispatcher(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// These tests mostly wait: more of them run concurrently than there are processors.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// spawnOptions are what differs between the tests' dispatchers.
type spawnOptions struct {
	Redis     string `json:"redis"`
	NomadAddr string `json:"nomad_addr"`
	Token     string `json:"token,omitempty"` // Nomad's
}

func beDispatcher(text string) error {
	var in spawnOptions
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return err
	}
	o := dispatcher.Options{Redis: in.Redis, NomadAddr: in.NomadAddr, Interval: 200 * time.Millisecond, Term: 2 * time.Second, Lease: 3 * time.Second}
	o.AdminToken = adminToken
	o.Listen, o.Ready = "127.0.0.1:0", func(addr string) { fmt.Println("http://" + addr) }
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	return dispatcher.Run(context.Background(), o)
}

// process is a dispatcher in a process of its own, which ends by being killed.
type process struct {
	url  string
	kill func()
}

func spawn(t *testing.T, o spawnOptions) process {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asDispatcher+"="+string(text), "NOMAD_TOKEN="+o.Token)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	p := process{kill: func() { _ = cmd.Process.Kill(); <-ended }}
	lines := make(chan string, 1)
	go func() {
		defer close(ended)
		sc := bufio.NewScanner(out)
		sc.Scan()
		lines <- sc.Text()
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(p.kill)
	select {
	case p.url = <-lines:
	case <-time.After(20 * time.Second):
	}
	require.Contains(t, p.url, "http://", "the dispatcher does not start")
	return p
}

// The dispatcher that acts is killed while a machine is being drained in a rollout, and again while the pool shrinks. The
// next one goes on where it stood, and no job is interrupted.
func TestTheNextDispatcherGoesOn(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	nomad := nomadtest.Start(t)
	q, err := queue.Open(t.Context(), queue.Options{URL: redis.URL, Lease: 3 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	a := startAgents(t, nomad, q, time.Second)
	options := spawnOptions{Redis: redis.URL, NomadAddr: nomad.Address()}
	both := [2]process{spawn(t, options), spawn(t, options)}
	leader := func() (index int) {
		require.Eventually(t, func() bool {
			for i, p := range both {
				if status, out := call(t, "GET", p.url+"/readyz", nil); status == http.StatusOK && out["leads"] == true {
					index = i
					return true
				}
			}
			return false
		}, time.Minute, 20*time.Millisecond, "no dispatcher leads")
		return index
	}
	view := func(i int) map[string]any {
		_, out := call(t, "GET", both[i].url+"/v1/pools/sim", nil)
		return out
	}
	// killWhen kills the leader as soon as it shows this, and starts another in its place.
	killWhen := func(what string, shows func(pool map[string]any) bool) {
		i := leader()
		a.eventually(what, func() bool { return shows(view(i)) })
		both[i].kill()
		both[i] = spawn(t, options)
	}

	const old, next = "test-00000001", "test-00000002"
	const jobs = 30 // before there are machines, which would not stay without
	first := leader()
	for range jobs {
		status, out := call(t, "POST", both[first].url+"/v1/jobs", map[string]any{"type": "simulation"})
		require.Equal(t, http.StatusCreated, status, out)
	}
	nomadtest.Pool(t, nomad, "sim", nomadtest.Machine{Group: old, Count: 3, Policy: poolPolicy(true, 1, 3)})
	nomadtest.Running(t, nomad, "sim", old, 3)
	nomadtest.Pool(t, nomad, "sim",
		nomadtest.Machine{Group: old, Count: 3, Policy: poolPolicy(false, 1, 3)}, nomadtest.Machine{Group: next, Policy: poolPolicy(true, 1, 3)})
	killWhen("machine drained", func(pool map[string]any) bool { n, _ := pool["draining"].(float64); return n > 0 })
	a.eventually("the rollout ends", func() bool { groups, _ := view(leader())["groups"].([]any); return len(groups) == 1 })
	killWhen("the pool has begun to shrink", func(pool map[string]any) bool { n, _ := pool["asked"].(float64); return n < 3 })
	a.eventually("all is done, and the pool at its minimum", func() bool {
		done, _, _ := a.observed()
		v := view(leader())
		return done == jobs && v["asked"] == 1.0 && v["status"] == "steady"
	})
	nomadtest.Running(t, nomad, "sim", next, 1)
}
