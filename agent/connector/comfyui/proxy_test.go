package comfyui

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// startProxy passes everything on to a server but WebSockets, which it refuses.
func startProxy(t *testing.T, addr string) string {
	t.Helper()
	pass := proxyTo(t, addr, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ws" {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// startProxyTo passes everything on to a server, and its answers through change.
func startProxyTo(t *testing.T, addr string, change func(*http.Response) error) string {
	t.Helper()
	s := httptest.NewServer(proxyTo(t, addr, change))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func proxyTo(t *testing.T, addr string, change func(*http.Response) error) http.Handler {
	t.Helper()
	target, err := url.Parse("http://" + addr)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport, ModifyResponse: change}
}
