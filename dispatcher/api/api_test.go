package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/dispatcher/webhook"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	goleak.VerifyTestMain(m)
}

// site is a server under test with its queue, and a client that holds every answer to the OpenAPI document.
type site struct {
	t      *testing.T
	url    string
	redis  *queuetest.Redis
	server *api.Server
	queue  *queue.Client
	pools  *pools
	router routers.Router
	client *http.Client // sends the admin token, except with a request that has a header of its own
	access *access.Access
}

const adminToken = "an-admin-token-for-tests"

// authorized adds a token to requests that have no Authorization header.
type authorized struct{ http.Transport }

func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, given := r.Header["Authorization"]; !given {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+adminToken)
	}
	return a.Transport.RoundTrip(r)
}

// openDoor returns access control with the tests' admin token.
func openDoor(t *testing.T, url string, change func(*access.Options)) *access.Access {
	t.Helper()
	client, err := queue.Connect(queue.Options{URL: url})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	o := access.Options{Redis: client, AdminToken: adminToken}
	if change != nil {
		change(&o)
	}
	a, err := access.New(o)
	require.NoError(t, err)
	return a
}

// pools plays the resize loop.
type pools struct {
	mu     sync.Mutex
	views  []resize.PoolView
	able   []string
	kicked int
	health error
}

func (p *pools) Pools(context.Context) []resize.PoolView { return p.views }
func (p *pools) Unread(context.Context) []fleet.Unread {
	return []fleet.Unread{{Region: "global", Namespace: "closed", Pools: []string{"global/closed/gone"}, Why: "the token may not"}}
}

// PoolOf knows the machine m1.
func (p *pools) PoolOf(machine string) string {
	return map[string]string{"m1": "global/default/standard"}[machine]
}

func (p *pools) Able(capability.Requirements) []string {
	return p.able
}
func (p *pools) Health() error { return p.health }
func (p *pools) Leads() bool   { return true }
func (p *pools) Kick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kicked++
}

func (p *pools) Pool(_ context.Context, name string) (resize.PoolView, error) {
	var full []string
	for _, v := range p.views {
		full = append(full, v.Pool)
	}
	name, err := fleet.Named(name, full)
	if err != nil {
		return resize.PoolView{}, err
	}
	v := p.views[slices.Index(full, name)]
	v.Decisions = []scaler.Decision{*v.Decision}
	return v, nil
}

// redisOf returns the URL of a test's Redis.
func redisOf(o *api.Options) string { return o.Queue.(redisQueue).url }

// redisQueue is a queue that knows its Redis.
type redisQueue struct {
	*queue.Client
	url string
}

func start(t *testing.T, change func(*api.Options)) *site {
	t.Helper()
	redis := queuetest.StartRedis(t)
	q, err := queue.Open(t.Context(), queue.Options{URL: redis.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	p := &pools{views: []resize.PoolView{{
		Pool: "global/default/standard", Region: "global", Namespace: "default", Name: "standard", Machine: "gpu", Paused: []resize.PausedType{{Type: "simulation", Reason: "maintenance"}}, Max: 5, Asked: 1, Ready: 1, Status: resize.Steady,
		Groups:   []resize.GroupView{{Group: "gpu-12345678", Revision: "12345678", Wanted: true, Asked: 1, Target: 1, Ready: 1}},
		Decision: &scaler.Decision{Pool: "global/default/standard", At: time.Now(), From: 1, Count: 1, Reasons: []scaler.Reason{{Code: scaler.Demand, Text: "no jobs"}}},
	}}}
	open := func() (*queue.Client, error) { return q, nil }
	sender, err := webhook.NewSender(webhook.Options{Queue: open}, webhook.NewSecrets(open))
	require.NoError(t, err)
	o := api.Options{Listen: "127.0.0.1:0", Queue: redisQueue{q, redis.URL}, Pools: p, Access: openDoor(t, redis.URL, nil), Webhooks: sender, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	s, err := api.New(o)
	require.NoError(t, err)
	s.Start()
	client := &http.Client{Transport: &authorized{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(t, s.Stop(ctx))
		require.NoError(t, s.Stop(ctx), "again")
		<-s.Done()
		require.NoError(t, s.Err())
	})
	v := &site{t: t, url: "http://" + s.Addr(), redis: redis, server: s, queue: q, pools: p, client: client, access: o.Access}
	v.router = v.loadDocument()
	return v
}

func (v *site) loadDocument() routers.Router {
	resp, err := v.client.Get(v.url + "/v1/openapi.json")
	require.NoError(v.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	doc, err := openapi3.NewLoader().LoadFromData(body)
	require.NoError(v.t, err)
	require.NoError(v.t, doc.Validate(context.Background()))
	doc.Servers = openapi3.Servers{{URL: v.url}}
	router, err := legacy.NewRouter(doc)
	require.NoError(v.t, err)
	return router
}

// do sends a request and returns the answer's status and JSON, after holding it to the document.
func (v *site) do(method, path, body string, header ...string) (int, map[string]any) {
	v.t.Helper()
	resp, raw := v.raw(method, path, body, header...)
	var out map[string]any
	if kind := resp.Header.Get("Content-Type"); kind == "application/json" || kind == "application/problem+json" {
		require.NoError(v.t, json.Unmarshal(raw, &out), "%s", raw)
	}
	return resp.StatusCode, out
}

func (v *site) raw(method, path, body string, header ...string) (*http.Response, []byte) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	require.NoError(v.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := v.client.Do(req)
	require.NoError(v.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	require.NotEmpty(v.t, resp.Header.Get("X-Request-ID"))
	v.holds(req, resp, raw)
	return resp, raw
}

// holds fails the test if the answer doesn't match the document.
func (v *site) holds(req *http.Request, resp *http.Response, body []byte) {
	v.t.Helper()
	route, params, err := v.router.FindRoute(req)
	if err != nil {
		require.Contains(v.t, []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed}, resp.StatusCode, "not in the document: %s %s", req.Method, req.URL)
		return
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	require.NoError(v.t, err, "%s %s: %d %s", req.Method, req.URL, resp.StatusCode, body)
}

// ask makes a request apart from the test's goroutine; status 0 is none.
func ask(c *http.Client, req *http.Request) (status int, out map[string]any) {
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	if json.NewDecoder(resp.Body).Decode(&out) != nil {
		return 0, nil
	}
	return resp.StatusCode, out
}

func (v *site) submit(body string) string {
	v.t.Helper()
	status, out := v.do("POST", "/v1/jobs", body)
	require.Equal(v.t, http.StatusCreated, status, out)
	return out["id"].(string)
}

// worker registers a worker for simulations.
func (v *site) worker() queue.WorkerInfo {
	v.t.Helper()
	w := queue.WorkerInfo{Machine: "m1", Name: "w1", Offer: capability.Offer{Type: "simulation"}}
	require.NoError(v.t, v.queue.Register(v.t.Context(), w))
	return w
}

func (v *site) claim(w queue.WorkerInfo) queue.Claimed {
	v.t.Helper()
	list, err := v.queue.Claim(v.t.Context(), w, 1, time.Second)
	require.NoError(v.t, err)
	require.Len(v.t, list, 1)
	return list[0]
}
