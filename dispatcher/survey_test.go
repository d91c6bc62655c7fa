package dispatcher_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/queue/queuetest"
)

// written collects a log.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// standin is the stand-in for Nomad, without running machines.
func standin(t *testing.T) (addr string, inNamespace func(name string) *api.Client) {
	t.Helper()
	c, err := devcluster.Start(t.Context(), devcluster.Options{EmbeddedNomad: true, EmbeddedRedis: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(t, c.Stop(ctx))
	})
	return c.NomadAddr(), func(name string) *api.Client {
		client, err := api.NewClient(&api.Config{Address: c.NomadAddr(), Namespace: name})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		if name != api.DefaultNamespace {
			_, err = client.Namespaces().Register(&api.Namespace{Name: name}, nil)
			require.NoError(t, err)
		}
		return client
	}
}

// Pools in another namespace, and a second dispatcher on the same Redis that never leads: both are reported, in the log, over
// the API, and in the metrics.
func TestUnwatchedPoolsAreNamed(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	nomad, in := standin(t)
	policy := poolPolicy(true, 0, 1)
	nomadtest.Pool(t, in("default"), "here", nomadtest.Machine{Group: "test-00000001", Policy: policy})
	nomadtest.Pool(t, in("gpu"), "heavy", nomadtest.Machine{Group: "test-00000001", Policy: policy})
	nomadtest.Pool(t, in("gpu"), "light", nomadtest.Machine{Group: "test-00000001", Policy: policy})

	o := dispatcher.Options{Redis: redis.URL, NomadAddr: nomad, Interval: 50 * time.Millisecond, Survey: 100 * time.Millisecond, Term: 5 * time.Second}
	var log [3]written
	start := func(i int, namespace string) string {
		o := o
		o.Namespace, o.Logger = namespace, slog.New(slog.NewTextHandler(io.MultiWriter(&log[i], t.Output()), nil))
		url, _ := run(t, o)
		return url
	}
	status := func(url string) map[string]any {
		code, out := call(t, "GET", url+"/v1/status", nil)
		require.Equal(t, http.StatusOK, code)
		return out
	}
	eventually := func(what string, done func() bool) {
		t.Helper()
		require.Eventually(t, done, 10*time.Second, 20*time.Millisecond, what)
	}

	first := start(0, "")
	eventually("the first leads", func() bool { return status(first)["leads"] == true })
	unwatched := []any{map[string]any{"namespace": "gpu", "pools": []any{"heavy", "light"}}}
	eventually("the first names the others' pools", func() bool { v, _ := status(first)["unwatched"].([]any); return len(v) == 1 })
	require.Equal(t, unwatched, status(first)["unwatched"])
	require.NotContains(t, status(first), "conflict")
	eventually("the log names them", func() bool {
		return strings.Contains(log[0].String(), `namespace=gpu pools="[heavy light]"`)
	})
	require.Contains(t, metrics(t, first), `machinectl_unwatched_pools{namespace="gpu"} 2`)
	require.Contains(t, metrics(t, first), "machinectl_leads 1")

	second := start(1, "")
	eventually("the second knows the first", func() bool { return status(second)["leader"] != nil })
	v := status(second)
	require.Equal(t, false, v["leads"])
	require.Equal(t, status(first)["dispatcher"], v["leader"])
	require.Equal(t, first, "http://"+v["leader"].(map[string]any)["addr"].(string))
	require.NotContains(t, v, "conflict")
	require.Contains(t, log[1].String(), "standing by for the leader")
	require.NotContains(t, log[1].String(), "level=ERROR")

	third := start(2, "gpu")
	eventually("the third knows the first", func() bool { return status(third)["leader"] != nil })
	eventually("the third has observed them", func() bool { v, _ := status(third)["unwatched"].([]any); return len(v) > 0 })
	v = status(third)
	require.Contains(t, v["conflict"], `resizes the pools of namespace "default", and none resizes those of namespace "gpu"`)
	require.Equal(t, unwatched, v["unwatched"], "its own: it watches them and doesn't act")
	require.Contains(t, log[2].String(), "level=ERROR")
	_, pools := call(t, "GET", third+"/v1/pools", nil)
	require.Len(t, pools["pools"], 2)
	require.Equal(t, "gpu", pools["pools"].([]any)[0].(map[string]any)["namespace"])
}

func metrics(t *testing.T, url string) string {
	t.Helper()
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(url + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(text)
}

// A dispatcher can't watch all namespaces: Nomad would answer 404 to each request for a pool.
func TestOneNamespaceIsWatched(t *testing.T) {
	for _, name := range []string{"*", "a b", "gpu,default", "gpu/*"} {
		err := dispatcher.Run(t.Context(), dispatcher.Options{Listen: "127.0.0.1:0", Namespace: name})
		require.ErrorContains(t, err, "namespace", name)
	}
	require.ErrorContains(t, dispatcher.CheckNamespace("*"), "watches one namespace, not all of them: name it")
	require.NoError(t, dispatcher.CheckNamespace(""))
	require.NoError(t, dispatcher.CheckNamespace("gpu-1"))
}
