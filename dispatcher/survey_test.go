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

	o := dispatcher.Options{Redis: redis.URL, NomadAddr: nomad, Interval: 50 * time.Millisecond, Survey: 100 * time.Millisecond, Term: 5 * time.Second, OpenMetrics: true}
	var log [3]written
	start := func(i int, namespaces ...string) string {
		o := o
		o.Namespaces, o.Logger = namespaces, slog.New(slog.NewTextHandler(io.MultiWriter(&log[i], t.Output()), nil))
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
		require.Eventually(t, done, time.Minute, 20*time.Millisecond, what)
	}

	first := start(0, "default")
	eventually("the first leads", func() bool { return status(first)["leads"] == true })
	unwatched := []any{map[string]any{"region": "global", "namespace": "gpu", "pools": []any{"heavy", "light"}}}
	eventually("the first names the others' pools", func() bool { v, _ := status(first)["unwatched"].([]any); return len(v) == 1 })
	require.Equal(t, unwatched, status(first)["unwatched"])
	require.NotContains(t, status(first), "conflict")
	eventually("the log names them", func() bool {
		return strings.Contains(log[0].String(), `region=global namespace=gpu pools="[heavy light]"`)
	})
	require.Contains(t, metrics(t, first), `machinectl_unwatched_pools{namespace="gpu",region="global"} 2`)
	require.Contains(t, metrics(t, first), "machinectl_leads 1")

	second := start(1, "default")
	eventually("the second knows the first", func() bool { return status(second)["leader"] != nil })
	v := status(second)
	require.Equal(t, false, v["leads"])
	require.Equal(t, status(first)["dispatcher"].(map[string]any)["id"], v["leader"].(map[string]any)["id"])
	require.Equal(t, "global", status(first)["leader"].(map[string]any)["region"])
	require.Equal(t, first, "http://"+v["leader"].(map[string]any)["addr"].(string))
	require.NotContains(t, v, "conflict")
	require.Contains(t, log[1].String(), "standing by for the leader")
	require.NotContains(t, log[1].String(), "level=ERROR")

	third := start(2, "gpu")
	eventually("the third knows the first", func() bool { return status(third)["leader"] != nil })
	eventually("the third has observed them", func() bool { v, _ := status(third)["unwatched"].([]any); return len(v) > 0 })
	v = status(third)
	require.Contains(t, v["conflict"], `leads and resizes the pools of namespace default. This one would resize those of namespace gpu, and does nothing`)
	require.Equal(t, unwatched, v["unwatched"], "its own: it watches them and doesn't act")
	require.Contains(t, log[2].String(), "level=ERROR")
	_, pools := call(t, "GET", third+"/v1/pools", nil)
	require.Equal(t, []any{"global/default/here"}, names(pools), "what the leader resizes, as from the leader")
}

// names returns the full names of the pools in an answer.
func names(pools map[string]any) (list []any) {
	for _, p := range pools["pools"].([]any) {
		list = append(list, p.(map[string]any)["pool"])
	}
	return list
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

// A dispatcher that serves all namespaces leaves no pool unwatched, and a narrower one beside it is not a rival, but in the way
// only if it leads.
func TestAllNamespacesAreWatched(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	nomad, in := standin(t)
	for _, namespace := range []string{"default", "gpu"} {
		nomadtest.Pool(t, in(namespace), "same", nomadtest.Machine{Group: "test-00000001", Policy: poolPolicy(true, 0, 1)})
	}
	o := dispatcher.Options{Redis: redis.URL, NomadAddr: nomad, Interval: 50 * time.Millisecond, Survey: 100 * time.Millisecond, Term: 5 * time.Second}
	wide, _ := run(t, o)
	require.Eventually(t, func() bool {
		_, pools := call(t, "GET", wide+"/v1/pools", nil)
		_, status := call(t, "GET", wide+"/v1/status", nil)
		return len(names(pools)) == 2 && status["leads"] == true
	}, 30*time.Second, 20*time.Millisecond)
	o.Namespaces = []string{"gpu"}
	narrow, _ := run(t, o)
	var status map[string]any
	require.Eventually(t, func() bool {
		_, status = call(t, "GET", narrow+"/v1/status", nil)
		return status["leader"] != nil
	}, 30*time.Second, 20*time.Millisecond)
	require.NotContains(t, status, "conflict")
	require.Empty(t, status["unwatched"])
	_, pools := call(t, "GET", narrow+"/v1/pools", nil)
	require.Equal(t, []any{"global/default/same", "global/gpu/same"}, names(pools))
	code, out := call(t, "GET", narrow+"/v1/pools/same", nil)
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, out["detail"], `there are 2 pools "same": write one of the full names global/default/same, global/gpu/same`)
	for _, name := range []string{"gpu%2Fsame", "global%2Fgpu%2Fsame"} {
		code, out = call(t, "GET", narrow+"/v1/pools/"+name, nil)
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, "global/gpu/same", out["pool"])
	}
}

// What isn't the name of a place is refused when the dispatcher starts.
func TestPlacesAreNames(t *testing.T) {
	for _, name := range []string{"a b", "gpu,default", "gpu/*", ""} {
		require.ErrorContains(t, dispatcher.Run(t.Context(), dispatcher.Options{Listen: "127.0.0.1:0", Namespaces: []string{name}}), "not the name of a namespace", name)
	}
	require.ErrorContains(t, dispatcher.Run(t.Context(), dispatcher.Options{Listen: "127.0.0.1:0", Regions: []string{"a/b"}}), "not the name of a region")
}
