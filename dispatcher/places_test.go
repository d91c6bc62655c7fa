package dispatcher_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

const (
	mayResize = `capabilities = ["list-jobs", "read-job", "scale-job", "submit-job"]`
	revision1 = "test-00000001"
)

// places are two namespaces with a pool of the same name in each, and two dispatchers that serve both.
type places struct {
	t      *testing.T
	agents *agents
	both   [2]process
}

// leader returns the dispatcher that leads, and the other one.
func (p *places) leader() (leads, stands process) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		for i, d := range p.both {
			if d.url == "" {
				continue
			}
			if status, out := call(p.t, "GET", d.url+"/readyz", nil); status == http.StatusOK && out["leads"] == true {
				leads, stands = d, p.both[1-i]
				return true
			}
		}
		return false
	}, 30*time.Second, 20*time.Millisecond, "no dispatcher leads")
	return leads, stands
}

func pool(t *testing.T, url, name string) map[string]any {
	t.Helper()
	code, out := call(t, "GET", url+"/v1/pools/"+name, nil)
	if code != http.StatusOK {
		return map[string]any{}
	}
	return out
}

// decisions are a pool's decisions as they are shown, without the order in which clocks tell them.
func decisions(t *testing.T, url, name string) []string {
	t.Helper()
	list, _ := pool(t, url, name)["decisions"].([]any)
	var out []string
	for _, d := range list {
		v := d.(map[string]any)
		out = append(out, fmt.Sprint(v["at"], v["pool"], v["from"], v["count"], v["reasons"]))
	}
	return out
}

// playPlaces plays both namespaces on one Nomad: pools of the same name follow their jobs, a job that both could serve is
// demanded once, and when the leader is killed, the other dispatcher shows the same decisions and goes on.
func playPlaces(t *testing.T, redis string, in map[string]*api.Client, all *api.Client, spawnOne func() process, former bool) {
	q, err := queue.Open(t.Context(), queue.Options{URL: redis, Lease: 3 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	for _, client := range in {
		nomadtest.Pool(t, client, "same", nomadtest.Machine{Group: revision1, Policy: poolPolicy(true, 0, 2)})
	}
	p := &places{t: t, both: [2]process{spawnOne(), spawnOne()}}
	leads, stands := p.leader()
	require.Eventually(t, func() bool {
		_, out := call(t, "GET", leads.url+"/v1/pools", nil)
		list, _ := out["pools"].([]any)
		return len(list) == 2
	}, 30*time.Second, 50*time.Millisecond)

	// One job needs two machines to start soon, all in one of the two pools. No agent plays yet, so the job stays.
	code, out := call(t, "POST", leads.url+"/v1/jobs", map[string]any{"type": "simulation"})
	require.Equal(t, http.StatusCreated, code)
	require.Equal(t, []any{"global/default/same", "global/ml/same"}, out["pools"])
	asked := func(url, namespace string) float64 {
		n, _ := pool(t, url, "global%2F"+namespace+"%2Fsame")["asked"].(float64)
		return n
	}
	sum := func(url string) float64 { return asked(url, "default") + asked(url, "ml") }
	require.Eventually(t, func() bool { return sum(leads.url) == 2 }, 30*time.Second, 50*time.Millisecond)
	for range 5 {
		before := pool(t, leads.url, "ml%2Fsame")["read_at"]
		require.Eventually(t, func() bool { return pool(t, leads.url, "ml%2Fsame")["read_at"] != before }, 30*time.Second, 20*time.Millisecond)
		require.Equal(t, [2]float64{2, 0}, [2]float64{asked(leads.url, "default"), asked(leads.url, "ml")}, "demanded once")
	}

	p.agents = startAgentsIn(t, &agents{t: t, nomad: all, queue: q, hold: 700 * time.Millisecond, where: "*", former: former})
	for range 11 {
		code, _ := call(t, "POST", stands.url+"/v1/jobs", map[string]any{"type": "simulation"})
		require.Equal(t, http.StatusCreated, code)
	}
	p.agents.eventually("both pools work, all jobs are done", func() bool { done, most, _ := p.agents.observed(); return done == 12 && most == 4 })
	_, list := call(t, "GET", leads.url+"/v1/machines", nil)
	for _, m := range list["machines"].([]any) {
		require.Contains(t, []any{"global/default/same", "global/ml/same"}, m.(map[string]any)["pool"])
	}
	p.agents.eventually("back to zero", func() bool { return sum(leads.url) == 0 })

	var shown [2][]string
	names := [2]string{"global%2Fdefault%2Fsame", "global%2Fml%2Fsame"}
	require.Eventually(t, func() bool {
		same := true
		for i, name := range names {
			shown[i] = decisions(t, leads.url, name)
			same = same && len(shown[i]) > 1 && fmt.Sprint(shown[i]) == fmt.Sprint(decisions(t, stands.url, name))
		}
		return same
	}, 30*time.Second, 50*time.Millisecond, "both show the same decisions")
	leads.kill()
	for i, name := range names {
		require.Equal(t, shown[i], decisions(t, stands.url, name), "as before")
	}
	p.both = [2]process{stands, {}}
	p.leader()
	for i, name := range names {
		now := decisions(t, stands.url, name)
		require.Equal(t, shown[i], now[len(now)-len(shown[i]):], "the new leader adds to them")
	}
	code, _ = call(t, "POST", stands.url+"/v1/jobs", map[string]any{"type": "simulation"})
	require.Equal(t, http.StatusCreated, code)
	p.agents.eventually("it resizes pools", func() bool { done, _, _ := p.agents.observed(); return done == 13 })
}

// Two namespaces on a real Nomad with access control, with a token that may read both.
func TestTwoNamespaces(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	nomad, root := nomadtest.StartWithACLs(t)
	token := nomadtest.Token(t, nomad, "dispatcher", fmt.Sprintf("namespace \"default\" {\n%s\n}\nnamespace \"ml\" {\n%s\n}\n", mayResize, mayResize))
	in := map[string]*api.Client{"default": nomad, "ml": nomadtest.In(t, nomad, "ml", root)}
	nomadtest.Pool(t, nomadtest.In(t, nomad, "closed", root), "same", nomadtest.Machine{Group: revision1, Policy: poolPolicy(true, 0, 2)})
	o := spawnOptions{Redis: redis.URL, NomadAddr: nomad.Address(), Token: token}
	playPlaces(t, redis.URL, in, nomad, func() process { return spawn(t, o) }, false)
}

// The same with the stand-in, and agents of a former release, which don't report where their pool is.
func TestTwoNamespacesOnTheStandIn(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	addr, in := standin(t)
	clients := map[string]*api.Client{"default": in("default"), "ml": in("ml")}
	o := spawnOptions{Redis: redis.URL, NomadAddr: addr}
	playPlaces(t, redis.URL, clients, clients["default"], func() process { return spawn(t, o) }, true)
}
