package comfyui

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
	"github.com/emprops/machinectl/agent/connector/connectortest"
	"github.com/emprops/machinectl/queue"
)

// quick makes a connector impatient.
func quick(c *Connector) *Connector {
	c.timing.poll = 50 * time.Millisecond
	c.timing.refused = 300 * time.Millisecond
	c.timing.silent = 500 * time.Millisecond
	c.timing.call = 300 * time.Millisecond
	c.timing.connect = 300 * time.Millisecond
	c.timing.stopWithin = 300 * time.Millisecond
	c.timing.hearOut = 300 * time.Millisecond
	return c
}

func TestServerDies(t *testing.T) {
	s := simulated(t, comfysim.Options{CrashAt: 1})
	_, err := quick(newConnector(t, s.Addr())).Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Image(color())), nil))
	f := connector.Describe(err)
	require.Equal(t, connector.ServiceUnreachable, f.Code, f.Message)
	require.True(t, f.Retriable)
}

func TestServerIsRestarted(t *testing.T) {
	s := simulated(t, comfysim.Options{CrashAt: 1, NodeTime: 200 * time.Millisecond})
	c := quick(newConnector(t, s.Addr()))
	c.timing.refused = 10 * time.Second
	again := make(chan *comfysim.Server, 1)
	go func() {
		defer close(again)
		<-s.Crashed()
		next, err := comfysim.Start(comfysim.Options{Listen: s.Addr()})
		if err == nil {
			again <- next
		}
	}()
	_, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Image(color())), nil))
	next := <-again
	require.NotNil(t, next, "the port was taken by another process")
	defer next.Close()
	f := connector.Describe(err)
	require.Equal(t, connector.ServiceRestarted, f.Code, f.Message)
	require.True(t, f.Retriable)
}

func TestServerStartsLate(t *testing.T) {
	s := simulated(t, comfysim.Options{StartTime: 500 * time.Millisecond})
	c := quick(newConnector(t, s.Addr()))
	c.timing.refused = 10 * time.Second
	r, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Image(color())), nil))
	require.NoError(t, err)
	require.Len(t, r.Blobs, 1)
}

func TestServerHangs(t *testing.T) {
	s := simulated(t, comfysim.Options{HangAt: 1})
	ctx, done := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer done()
	began := time.Now()
	_, err := quick(newConnector(t, s.Addr())).Run(ctx, connectortest.Attempt(t, "comfyui", job(comfytest.Image(color())), nil))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 20*time.Second, "waits for a server that can't be interrupted")
}

// TestServerSaysNothing: connections are accepted, and nothing is ever answered.
func TestServerSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = quick(newConnector(t, l.Addr().String())).Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Image(color())), nil))
	require.Equal(t, connector.ServiceUnreachable, connector.Describe(err).Code)
}

// TestSilenceIsStopped: the server answers no reads any more, but still obeys.
func TestSilenceIsStopped(t *testing.T) {
	s := simulated(t, comfysim.Options{})
	asked := make(chan struct{})
	pass := proxyTo(t, s.Addr(), nil)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path != "/ws" {
			select {
			case <-r.Context().Done():
			case <-asked:
			}
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { close(asked); proxy.Close() })
	c := quick(newConnector(t, proxy.Listener.Addr().String()))
	c.timing.stopWithin = 2 * time.Second
	_, err := run(t, c, comfytest.Steps(color(), 4000, 0.02, "no"))
	require.Equal(t, connector.ServiceUnreachable, connector.Describe(err).Code)
	requireIdle(t, s.Addr())
}

func TestSocketIsCut(t *testing.T) {
	s := simulated(t, comfysim.Options{DropSocketAt: 1})
	var reports []queue.Progress
	c := newConnector(t, s.Addr())
	r, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Steps(color(), 20, 0.05, "no")), func(p queue.Progress) { reports = append(reports, p) }))
	require.NoError(t, err)
	require.Len(t, r.Blobs, 1)
	require.Greater(t, len(reports), 5, "no progress after the cut")
}

// TestEndsWhileNobodyListens: every connection of the WebSocket is refused, so that only the history shows the end.
func TestEndsWhileNobodyListens(t *testing.T) {
	s := simulated(t, comfysim.Options{})
	proxy := startProxy(t, s.Addr())
	c := quick(newConnector(t, proxy))
	c.timing.call, c.timing.silent = 5*time.Second, 10*time.Second
	for range 2 { // the second time, all of it is cached
		r, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Image(1)), nil))
		require.NoError(t, err)
		require.Len(t, r.Blobs, 1)
	}
}

func TestFaultyNodes(t *testing.T) {
	for _, o := range []comfysim.Options{{FailNode: "SaveImage"}, {OOMNode: "SaveImage"}} {
		s := simulated(t, o)
		_, err := newConnector(t, s.Addr()).Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Image(color())), nil))
		f := connector.Describe(err)
		require.Contains(t, f.Message, "SaveImage (node 2)")
		require.True(t, f.Retriable)
	}
}

// TestRealServerIsKilled: a real server dies in the middle of a job and comes back.
func TestRealServerIsKilled(t *testing.T) {
	r := realServer(t)
	c := newConnector(t, r.addr)
	c.timing.refused = 2 * time.Minute
	dead := make(chan error, 1)
	kill := func(p queue.Progress) {
		if p.Value < 1.1 {
			return
		}
		select {
		case dead <- nil:
			r.kill()
			go func() { dead <- r.start() }()
		default:
		}
	}
	_, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Steps(color(), 4000, 0.02, "no")), kill))
	f := connector.Describe(err)
	require.Equal(t, connector.ServiceRestarted, f.Code, f.Message)
	<-dead
	require.NoError(t, <-dead)
}
