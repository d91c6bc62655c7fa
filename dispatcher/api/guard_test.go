package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/queue"
)

// route is an operation of the served document, with a path that leads to something.
type route struct {
	id, method, path, role string
	body                   string
}

// routes are all operations. Their path parameters name the job that is given, the machine m1, the type simulation, the pool
// standard, and a token that each call makes anew.
func (v *site) routes(job string) (all []route) {
	v.t.Helper()
	resp, err := v.client.Get(v.url + "/v1/openapi.json")
	require.NoError(v.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	require.NoError(v.t, err)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			r := route{id: op.OperationID, method: method}
			r.role, _ = op.Extensions["x-role"].(string)
			id := job
			if strings.HasPrefix(path, "/v1/machines/") {
				id = "m1"
			}
			r.path = strings.NewReplacer("{id}", id, "{type}", "simulation", "{pool}", "standard", "{name}", "x.png", "{token}", "target", "{event}", "evt_none").Replace(path)
			require.NotContains(v.t, r.path, "{", "give the parameter a value")
			switch r.id {
			case "submitJob":
				r.body = `{"type": "simulation"}`
			case "submitJobs":
				r.body = `{"jobs": [{"type": "simulation"}]}`
			case "cancelJobs", "requeueJobs":
				r.body = `{"ids": ["` + job + `"]}`
			case "enableEndpoint":
				r.body = `{"url": "https://example.com/hook"}`
			case "createWebhookSecret":
				r.body = `{}`
			case "setPoolCount":
				r.body = `{"count": 2}`
			case "setLimits":
				r.body = `{"fair": true}`
			case "createToken":
				r.body = `{"name": "made", "roles": ["read"]}`
			}
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b route) int { return strings.Compare(a.id, b.id) })
	return all
}

func (v *site) token(name string, o access.Order) string {
	v.t.Helper()
	o.Name = name
	_, text, err := v.access.Tokens.Create(v.t.Context(), o, "tests")
	require.NoError(v.t, err)
	return text
}

func as(token string) []string { return []string{"Authorization", "Bearer " + token} }

// TestEveryRouteNeedsItsRole walks the document: each operation refuses no, malformed, wrong, expired, revoked, under-privileged
// and other tenants' tokens, with the answer that the document has for it, and serves those whose role suffices.
func TestEveryRouteNeedsItsRole(t *testing.T) {
	var clock lockedTime
	clock.set(time.Now())
	v := start(t, func(o *api.Options) {
		o.Access = openDoor(t, redisOf(o), func(a *access.Options) { a.Now = clock.get })
	})
	job := v.submit(`{"type": "simulation", "tenant": "acme"}`)
	v.worker()
	require.NoError(t, v.queue.ReportMachine(t.Context(), queue.Machine{ID: "m1", Pool: "standard", State: queue.MachineReady}))
	byRole := map[access.Role]string{}
	for _, role := range access.Roles() {
		byRole[role] = v.token(string(role), access.Order{Roles: []access.Role{role}})
	}
	expired := v.token("expired", access.Order{Roles: []access.Role{access.Admin}, Life: time.Minute})
	revoked := v.token("revoked", access.Order{Roles: []access.Role{access.Admin}})
	tenants := access.Order{Roles: []access.Role{access.Submit, access.Read}, Tenant: "acme"}
	own := v.token("own", tenants)
	tenants.Tenant = "other"
	others := v.token("others", tenants)
	clock.set(clock.get().Add(time.Hour))
	_, err := v.access.Tokens.Revoke(t.Context(), "revoked")
	require.NoError(t, err)

	all := v.routes(job)
	require.Greater(t, len(all), 25)
	try := func(r route, header ...string) (int, map[string]any) {
		t.Helper()
		// Streams would last: the headers suffice.
		if r.id == "jobEvents" {
			return v.begin(r.path, header...)
		}
		return v.do(r.method, r.path, r.body, header...)
	}
	for _, r := range all {
		if r.role == "open" {
			status, _ := try(r, "Authorization", "")
			require.Equal(t, http.StatusOK, status, r.id)
			continue
		}
		for header, says := range map[string]string{
			"":                         "a token is needed",
			"Bearer":                   "isn't Bearer and one token",
			"Basic " + adminToken:      "isn't Bearer and one token",
			"Bearer " + adminToken[1:]: "isn't known",
			"Bearer " + revoked:        "isn't known",
			"Bearer " + expired:        "has expired",
		} {
			status, problem := try(r, "Authorization", header)
			require.Equal(t, http.StatusUnauthorized, status, "%s %q", r.id, header)
			require.Equal(t, "unauthorized", problem["code"])
			require.Contains(t, problem["detail"], says, r.id)
		}
		for _, role := range access.Roles() {
			identity := access.Identity{Roles: []access.Role{role}}
			need := access.Role(r.role)
			if identity.May(need) || need == access.Submit && r.method == http.MethodGet && identity.May(access.Read) {
				continue
			}
			status, problem := try(r, as(byRole[role])...)
			require.Equal(t, http.StatusForbidden, status, "%s as %s", r.id, role)
			require.Contains(t, problem["detail"], fmt.Sprintf("needs a token with the role %s; the token %q has %s", need, role, role))
		}
		if status, problem := try(r, as(others)...); r.role != "submit" {
			require.Equal(t, http.StatusForbidden, status, r.id)
			require.Contains(t, problem["detail"], `is for tenant "other"`)
		} else if strings.Contains(r.path, job) {
			require.Equal(t, http.StatusNotFound, status, "%s: another tenant's job doesn't exist", r.id)
			_, missing := try(route{id: r.id, method: r.method, path: strings.ReplaceAll(r.path, job, job[:len(job)-1]+"0"), body: r.body}, as(others)...)
			require.Equal(t, missing["detail"], problem["detail"], "%s: and looks like one that doesn't", r.id)
		}
	}
	// Those that are served. What changes things comes last and once, with the least role.
	slices.SortStableFunc(all, func(a, b route) int { return strings.Compare(b.method[:1], a.method[:1]) * -1 })
	for _, r := range all {
		if r.role == "open" {
			continue
		}
		v.token("target", access.Order{Roles: []access.Role{access.Read}})
		status, problem := try(r, as(byRole[access.Role(r.role)])...)
		require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, status, "%s: %v", r.id, problem)
		require.Less(t, status, 500, "%s: %v", r.id, problem)
		if r.role == "submit" && strings.Contains(r.path, job) {
			status, problem = try(r, as(own)...)
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, status, "%s: %v", r.id, problem)
		}
		_, err := v.access.Tokens.Revoke(t.Context(), "target")
		if r.id != "revokeToken" {
			require.NoError(t, err)
		}
	}
	for _, path := range []string{"/", "/v1", "/v1/nothing", "/v1/jobs/" + job + "/nothing"} {
		status, _ := v.do("GET", path, "", "Authorization", "")
		require.Equal(t, http.StatusUnauthorized, status, "a client without a token doesn't learn which paths there are")
		status, _ = v.do("GET", path, "", as(own)...)
		require.Equal(t, http.StatusNotFound, status)
	}
}

// lockedTime is a clock that a test sets.
type lockedTime struct {
	mu  sync.Mutex
	now time.Time
}

func (l *lockedTime) get() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *lockedTime) set(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = t
}

// begin requests a stream and returns its status and, if it is refused, the problem.
func (v *site) begin(path string, header ...string) (int, map[string]any) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+path, http.NoBody)
	require.NoError(v.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := v.client.Do(req)
	require.NoError(v.t, err)
	defer resp.Body.Close()
	var problem map[string]any
	if resp.StatusCode >= 400 {
		require.NoError(v.t, json.NewDecoder(resp.Body).Decode(&problem))
	}
	return resp.StatusCode, problem
}

// TestTenantsSeeTheirOwn: what a token with a tenant submits and lists is its tenant's.
func TestTenantsSeeTheirOwn(t *testing.T) {
	v := start(t, nil)
	acme := v.token("acme", access.Order{Roles: []access.Role{access.Submit}, Tenant: "acme"})
	foreign, nobodys := v.submit(`{"type": "simulation", "tenant": "other"}`), v.submit(`{"type": "simulation"}`)
	status, out := v.do("POST", "/v1/jobs", `{"type": "simulation"}`, as(acme)...)
	require.Equal(t, http.StatusCreated, status, out)
	mine, _ := out["id"].(string)
	_, out = v.do("GET", "/v1/jobs/"+mine, "", as(acme)...)
	require.Equal(t, "acme", out["tenant"])
	for _, path := range []string{"/v1/jobs", "/v1/jobs?tenant=acme"} {
		_, out = v.do("GET", path, "", as(acme)...)
		require.Len(t, out["jobs"], 1)
	}
	for _, body := range []string{`{"type": "simulation", "tenant": "other"}`} {
		status, out = v.do("POST", "/v1/jobs", body, as(acme)...)
		require.Equal(t, http.StatusForbidden, status)
		require.Equal(t, "tenant", out["field"])
	}
	status, _ = v.do("GET", "/v1/jobs?tenant=other", "", as(acme)...)
	require.Equal(t, http.StatusForbidden, status)
	for _, id := range []string{foreign, nobodys} {
		status, _ = v.do("POST", "/v1/jobs/"+id+"/cancel", "", as(acme)...)
		require.Equal(t, http.StatusNotFound, status)
		job, err := v.queue.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, queue.Waiting, job.State, "it wasn't cancelled")
	}
	status, _ = v.do("POST", "/v1/jobs/"+mine+"/cancel", "", as(acme)...)
	require.Equal(t, http.StatusOK, status)
}

// TestEveryOperatorActionIsRecorded walks the document: each operation that changes what isn't a client's own leaves one record.
func TestEveryOperatorActionIsRecorded(t *testing.T) {
	v := start(t, nil)
	operator := v.token("ops", access.Order{Roles: []access.Role{access.Admin}})
	require.NoError(t, v.queue.ReportMachine(t.Context(), queue.Machine{ID: "m1", Pool: "standard", State: queue.MachineReady}))
	client := v.token("client", access.Order{Roles: []access.Role{access.Submit}})
	v.token("target", access.Order{Roles: []access.Role{access.Read}})
	job := v.submit(`{"type": "simulation"}`)
	records := func() []access.Record {
		page, _, err := v.access.Audit.List(t.Context(), access.Filter{Limit: 500})
		require.NoError(t, err)
		return page
	}
	// In an order in which each finds what it needs.
	order := []string{"cancelJob", "requeueJob", "cancelJobs", "requeueJobs", "setLimits", "setPoolCount", "endPoolCount", "pausePool", "resumePool", "pauseType", "resumeType", "drainMachine", "endDrain", "createToken", "rotateToken", "revokeToken"}
	all := v.routes(job)
	slices.SortStableFunc(all, func(a, b route) int { return slices.Index(order, a.id) - slices.Index(order, b.id) })
	targets := map[string]string{"cancelJob": job, "requeueJob": job, "setLimits": "simulation", "setPoolCount": "standard", "endPoolCount": "standard", "pausePool": "standard", "resumePool": "standard", "pauseType": "simulation", "resumeType": "simulation", "drainMachine": "m1", "endDrain": "m1", "createToken": "made", "rotateToken": "target", "revokeToken": "target"}
	recorded := 0
	for _, r := range all {
		if r.id == "jobEvents" {
			continue
		}
		before := len(records())
		status, out := v.do(r.method, r.path, r.body, as(operator)...)
		page := records()
		if r.method == http.MethodGet || strings.HasPrefix(r.id, "submit") {
			require.Len(t, page, before, "%s is not an operator action", r.id)
			continue
		}
		require.Len(t, page, before+1, r.id)
		if slices.Contains([]string{"redeliver", "enableEndpoint", "createWebhookSecret", "revokeWebhookSecret"}, r.id) {
			require.Equal(t, r.id, page[0].Action) // there is nothing to change here, and that is recorded
			continue
		}
		require.Contains(t, order, r.id, "say what it needs")
		require.Less(t, status, 300, "%s: %v", r.id, out)
		last := page[0]
		require.Equal(t, r.id, last.Action)
		require.Equal(t, "ops", last.Who)
		require.Equal(t, "127.0.0.1", last.From)
		require.Equal(t, status, last.Status)
		require.Equal(t, targets[r.id], last.Target)
		require.NotEmpty(t, last.RequestID)
		require.NotEmpty(t, string(last.Before)+string(last.After), "%s: what changed", r.id)
		require.NotEqual(t, string(last.Before), string(last.After), r.id)
		recorded++
	}
	require.Equal(t, len(order), recorded)

	before := len(records())
	v.do("POST", "/v1/jobs/"+job+"/cancel", "", as(client)...)
	require.Len(t, records(), before, "a client that cancels a job of its own is not an operator")
	v.do("POST", "/v1/types/simulation/pause", "", as(client)...)
	require.Len(t, records(), before, "what was refused didn't happen")
	status, _ := v.do("DELETE", "/v1/tokens/nobody", "", as(operator)...)
	require.Equal(t, http.StatusNotFound, status)
	last := records()[0]
	require.Equal(t, "nobody 404", fmt.Sprint(last.Target, " ", last.Status))
}

// TestOtherOrigins: a web page of another origin can change nothing, under no name, and reads nothing.
func TestOtherOrigins(t *testing.T) {
	v := start(t, func(o *api.Options) { o.Hosts = []string{"Dispatcher.Example"} })
	for _, r := range v.routes(v.submit(`{"type": "simulation"}`)) {
		if r.id == "jobEvents" {
			continue
		}
		for _, header := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://127.0.0.1:1"},
		} {
			resp, raw := v.raw(r.method, r.path, r.body, header...)
			for name := range resp.Header {
				require.NotContains(t, strings.ToLower(name), "access-control", "CORS is off")
			}
			if r.method != http.MethodGet {
				require.Equal(t, http.StatusForbidden, resp.StatusCode, "%s %v: %s", r.id, header, raw)
			}
		}
	}
	same := []string{"Origin", v.url, "Sec-Fetch-Site", "same-origin"}
	status, _ := v.do("POST", "/v1/jobs", `{"type": "simulation"}`, same...)
	require.Equal(t, http.StatusCreated, status)
	for host, want := range map[string]int{
		"evil.example": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example": 403, "": 200, "localhost": 200, "LOCALHOST:8650": 200, "10.1.2.3:8650": 200, "[::1]:8650": 200,
		"dispatcher.example": 200, "dispatcher.example.": 200, "x.dispatcher.example": 403,
	} {
		for _, path := range []string{"/v1/jobs", "/healthz"} {
			req, err := http.NewRequest(http.MethodGet, v.url+path, http.NoBody)
			require.NoError(t, err)
			req.Host = host
			resp, err := v.client.Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			if path == "/healthz" {
				require.Equal(t, http.StatusOK, resp.StatusCode, "health checks send what they like")
				continue
			}
			require.Equal(t, want, resp.StatusCode, host)
		}
	}
	resp, _ := v.raw("GET", "/v1/jobs", "")
	for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy", "Cache-Control"} {
		require.NotEmpty(t, resp.Header.Get(name), name)
	}
}

// TestForwardedFor: only trusted proxies are believed about the client's address.
func TestForwardedFor(t *testing.T) {
	for trusted, want := range map[string]string{"": "127.0.0.1", "127.0.0.0/8": "203.0.113.9", "10.0.0.0/8": "127.0.0.1"} {
		v := start(t, func(o *api.Options) {
			if trusted != "" {
				o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(trusted)}
			}
		})
		v.do("POST", "/v1/types/simulation/pause", "", "X-Forwarded-For", "203.0.113.9", "X-Real-IP", "203.0.113.8")
		page, _, err := v.access.Audit.List(t.Context(), access.Filter{})
		require.NoError(t, err)
		require.Equal(t, want, page[0].From, trusted)
	}
}

// TestRedisAwayWithTokens: what can't be checked gets 503, never 500, and is never let in.
func TestRedisAwayWithTokens(t *testing.T) {
	v := start(t, func(o *api.Options) {
		o.Access = openDoor(t, redisOf(o), func(a *access.Options) { a.Timeout = 300 * time.Millisecond })
	})
	unused := v.token("unused", access.Order{Roles: []access.Role{access.Admin}})
	all := v.routes(v.submit(`{"type": "simulation"}`))
	v.redis.Kill()
	for _, r := range all {
		if r.role == "open" {
			continue
		}
		resp, raw := v.raw(r.method, r.path, r.body, as(unused)...)
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, "%s: %s", r.id, raw)
		require.NotEmpty(t, resp.Header.Get("Retry-After"))
		status, _ := v.do(r.method, r.path, r.body, "Authorization", "Bearer wrong")
		require.Equal(t, http.StatusUnauthorized, status)
	}
	status, out := v.do("GET", "/v1/status", "")
	require.Equal(t, http.StatusOK, status, "the admin token works")
	require.Contains(t, out["access"].(map[string]any)["notice"], "Redis can't be reached")
}

// TestRequestsPerToken: a token that makes too many requests is told when to come back.
func TestRequestsPerToken(t *testing.T) {
	v := start(t, func(o *api.Options) {
		o.Access = openDoor(t, redisOf(o), func(a *access.Options) { a.Rate, a.Now = 3, func() time.Time { return time.Unix(1e9, 0) } })
	})
	token := v.token("busy", access.Order{Roles: []access.Role{access.Read}})
	for range 3 {
		status, _ := v.do("GET", "/v1/jobs", "", as(token)...)
		require.Equal(t, http.StatusOK, status)
	}
	resp, raw := v.raw("GET", "/v1/jobs", "", as(token)...)
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode, string(raw))
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	status, _ := v.do("GET", "/v1/jobs", "")
	require.Equal(t, http.StatusOK, status, "others aren't affected")
}

// TestMetricsSwitch: /metrics needs a token, unless it is opened.
func TestMetricsSwitch(t *testing.T) {
	for open, want := range map[bool]int{false: http.StatusUnauthorized, true: http.StatusOK} {
		v := start(t, func(o *api.Options) { o.OpenMetrics = open })
		resp, _ := v.raw("GET", "/metrics", "", "Authorization", "")
		require.Equal(t, want, resp.StatusCode)
	}
}

// TestCanary: no token and no hash of one is in what the dispatcher logs, counts, records or answers, but for the one answer that
// hands it out.
func TestCanary(t *testing.T) {
	log := &lockedBuffer{}
	v := start(t, func(o *api.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Access = openDoor(t, redisOf(o), func(a *access.Options) { a.Logger = o.Logger })
	})
	secrets := []string{adminToken}
	var said bytes.Buffer
	say := func(method, path, body string, header ...string) map[string]any {
		resp, raw := v.raw(method, path, body, header...)
		fmt.Fprintln(&said, resp.Header, string(raw))
		var out map[string]any
		_ = json.Unmarshal(raw, &out) // some aren't JSON
		return out
	}
	_, out := v.do("POST", "/v1/tokens", `{"name": "canary", "roles": ["admin"]}`)
	canary, _ := out["token"].(string)
	secrets = append(secrets, canary)
	wrong := canary[:len(canary)-3] + "aaa"
	secrets = append(secrets, wrong[:len(wrong)-3])
	job := v.submit(`{"type": "simulation"}`)
	for _, r := range v.routes(job) {
		if r.id == "jobEvents" || r.id == "rotateToken" || r.id == "createToken" || r.id == "openapi" {
			continue
		}
		for _, token := range []string{canary, wrong, adminToken, wrong + " " + wrong} {
			say(r.method, r.path, r.body, as(token)...)
		}
		if r.role != "open" && strings.HasPrefix(r.path, "/v1/") {
			say(r.method, r.path+"?token="+canary, r.body, "X-Request-ID", "x")
		}
	}
	_, out = v.do("POST", "/v1/tokens/canary/rotate", "")
	rotated, _ := out["token"].(string)
	secrets = append(secrets, rotated)
	say("GET", "/metrics", "")
	say("GET", "/v1/audit?limit=500", "")
	say("GET", "/v1/tokens", "", as(canary)...)
	require.NotEmpty(t, rotated)
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		require.NotContains(t, said.String(), secret)
		require.NotContains(t, log.String(), secret)
	}
	require.Contains(t, log.String(), "request", "the log was caught")
	require.Contains(t, said.String(), "rotateToken")
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
