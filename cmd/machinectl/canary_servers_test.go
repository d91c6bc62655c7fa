package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster"
)

// TestCanaryOnServers: machines with agents work for a dispatcher, all with a secret in the URL of Redis, on the real servers
// where they are on PATH. No command shows a sensitive value; nor does the dispatcher, its log, or Nomad outside of tasks; and
// Redis holds none.
func TestCanaryOnServers(t *testing.T) {
	cluster := startCluster(t, devcluster.Options{})
	const secret = "qzxjk-canary"
	c, given := newCanaryTest(t, cluster.NomadAddr(), secret)
	server, err := url.Parse(cluster.RedisURL())
	require.NoError(t, err)
	rdb := redis.NewClient(&redis.Options{Addr: server.Host})
	defer func() { require.NoError(t, rdb.Close()) }()
	if cluster.RealRedis() {
		require.NoError(t, rdb.Do(t.Context(), "ACL", "SETUSER", "user", "on", ">"+secret, "~*", "&*", "+@all").Err())
		server.User = url.UserPassword("user", secret)
	}
	log := filepath.Join(c.dir, "dispatcher.log")
	dispatcher, stop, err := spawnDispatcher(log, "NOMAD_NAMESPACE="+nomad.DefaultNamespace, "REDIS="+server.String())
	require.NoError(t, err)
	defer stop()
	require.NoError(t, awaitReady(dispatcher+"/readyz"))
	t.Setenv("MACHINECTL_DISPATCHER", dispatcher)
	t.Setenv("MACHINECTL_TOKEN", scriptToken)
	agent, err := exec.LookPath("run-agent")
	require.NoError(t, err)
	t.Setenv(varEnvPrefix+"agent", agent)

	server.User = nil
	queue := strings.Replace(server.String(), "redis://", "redis://user:${var.from_var}@", 1)
	if !cluster.RealRedis() { // it has no users
		queue = server.String()
	}
	profile := c.write("served.hcl", strings.NewReplacer("redis://user:${var.from_var}@127.0.0.1:1", queue, "file:///", "file://"+c.dir+"/").Replace(canaryRuns))
	with := func(args ...string) []string {
		return append(append(append(args[:1:1], given...), args[1:]...), profile)
	}
	c.run(0, with("apply", "-auto-approve", "-timeout", "60s")...)
	c.run(0, "submit", "-wait", "-timeout", "60s", c.write("job.json", `{"type": "simulation", "parameters": {"duration": "10ms"}}`))
	c.run(7, "submit", "-wait", "-timeout", "60s", c.write("fails.json", `{"type": "simulation", "max_attempts": 1, "parameters": {"duration": "10ms", "fail": "boom"}}`))
	c.run(0, with("plan", "-verbose", "-json", "-var", "note=two", "-var", "from_var=qzxjk-second")...)
	c.run(0, "jobs", "-json")

	client, err := nomad.NewClient(nomad.DefaultConfig())
	require.NoError(t, err)
	defer client.Close()
	c.inNomad(client, "canary")
	c.views(client, "canary")
	for _, path := range []string{"/v1/pools", "/v1/machines", "/v1/jobs", "/metrics"} {
		req, err := http.NewRequest(http.MethodGet, dispatcher+path, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+scriptToken)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
		c.absent(string(body), path)
	}
	if cluster.RealRedis() {
		clients, err := rdb.ClientList(t.Context()).Result()
		require.NoError(t, err)
		c.absent(clients, "a client of Redis")
	}
	c.inRedis(rdb)
	c.run(0, "destroy", "-auto-approve", "-purge", "canary")
	stop()
	b, err := os.ReadFile(log)
	require.NoError(t, err)
	c.absent(string(b), "the dispatcher's log")
	c.inRedis(rdb)
}

// inRedis looks at all that Redis has: keys and values.
func (c *canaryTest) inRedis(rdb *redis.Client) {
	c.Helper()
	kinds := map[string]int{}
	keys := rdb.Scan(c.Context(), 0, "*", 100).Iterator()
	for keys.Next(c.Context()) {
		kind, value := c.valueInRedis(rdb, keys.Val())
		kinds[kind]++
		c.absent(keys.Val(), "a key of Redis")
		c.absent(value, "the "+kind+" "+keys.Val()+" of Redis")
	}
	require.NoError(c, keys.Err())
	require.NotEmpty(c, kinds["hash"], "%v", kinds)
}

// valueInRedis returns the type of a key, and its value as text. A key may expire meanwhile.
func (c *canaryTest) valueInRedis(rdb *redis.Client, key string) (kind, text string) {
	c.Helper()
	kind, err := rdb.Type(c.Context(), key).Result()
	require.NoError(c, err)
	var value any
	switch kind {
	case "none":
		return kind, ""
	case "string":
		value, err = rdb.Get(c.Context(), key).Result()
	case "hash":
		value, err = rdb.HGetAll(c.Context(), key).Result()
	case "list":
		value, err = rdb.LRange(c.Context(), key, 0, -1).Result()
	case "set":
		value, err = rdb.SMembers(c.Context(), key).Result()
	case "zset":
		value, err = rdb.ZRange(c.Context(), key, 0, -1).Result()
	case "stream":
		value, err = rdb.XRange(c.Context(), key, "-", "+").Result()
	default:
		require.Fail(c, "a type of Redis that this test can't read", "%s: %s", key, kind)
	}
	if err != redis.Nil { //nolint:errorlint // the client returns it as it is
		require.NoError(c, err, key)
	}
	b, err := json.Marshal(value)
	require.NoError(c, err)
	return kind, string(b)
}
