package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const document = `{"version": 1, "pool": "p", "machine": "m", "kind": "api", "redis": "redis://in-the-document", "grace": "10s",
	"workers": [{"name": "w", "connector": "simulation", "concurrency": 1, "offer": {"type": "simulation"}}]}`

func TestFromEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.json")
	require.NoError(t, os.WriteFile(path, []byte(document), 0o600))
	env := map[string]string{
		"MACHINE_SPEC": path, "NOMAD_ALLOC_ID": "alloc", "NOMAD_ALLOC_INDEX": "7", "NOMAD_GROUP_NAME": "m-01234567",
		"NOMAD_ADDR_agent": "192.0.2.1:20000", "NOMAD_PORT_agent": "8080", "MACHINE_REDIS_URL": "redis://secret", "MACHINE_BLOB_URL": "s3://b",
		"MACHINE_NODE": "node-1", "MACHINE_AGENT_TOKEN": "t", "NOMAD_NAMESPACE": "ml", "NOMAD_REGION": "eu", "MACHINE_REDIS_PREFIX": "team-b",
	}
	environ := []string{"NOMAD_ADDR_http=192.0.2.1:1", "NOMAD_ALLOC_ADDR_http=172.26.0.2:8188", "NOMAD_ADDR_other=192.0.2.1:2", "PATH=/bin"}
	o, err := FromEnvironment(func(v string) string { return env[v] }, environ)
	require.NoError(t, err)
	require.Equal(t, "redis://secret", o.Spec.Redis)
	require.Equal(t, "s3://b", o.Spec.Blobs)
	require.Equal(t, []any{"alloc", 7, "m-01234567", "node-1", "t"}, []any{o.ID, o.Index, o.Group, o.Node, o.Token})
	require.Equal(t, []string{"ml", "eu", "team-b"}, []string{o.Namespace, o.Region, o.Queue.Prefix})
	require.Equal(t, []string{"192.0.2.1:20000", "192.0.2.1:20000", ":8080"}, []string{o.Listen, o.Advertise, o.Fallback})
	require.Equal(t, map[string]string{"http": "172.26.0.2:8188", "other": "192.0.2.1:2"}, o.Addrs)
	require.Nil(t, o.Tasks)

	env["NOMAD_ALLOC_INDEX"] = "seven"
	_, err = FromEnvironment(func(v string) string { return env[v] }, nil)
	require.ErrorContains(t, err, "NOMAD_ALLOC_INDEX")
	env["MACHINE_SPEC"] = path + ".not"
	_, err = FromEnvironment(func(v string) string { return env[v] }, nil)
	require.ErrorContains(t, err, "agent document")
	_, err = FromEnvironment(func(string) string { return "" }, nil)
	require.ErrorContains(t, err, "MACHINE_SPEC is not set")
}

// A Redis URL that can never work ends the agent immediately, wherever it comes from.
func TestAMalformedRedisURLEndsTheAgent(t *testing.T) {
	for _, url := range []string{"http://h:6379", "redis:/x", "redis://h:port", "redis://:secret@h/x", "127.0.0.1:6379"} {
		err := Run(t.Context(), options(t, url))
		require.ErrorContains(t, err, "the Redis URL")
		require.NotContains(t, err.Error(), "secret")
	}
}

// A prefix that contradicts the URL's, or can't be one, ends the agent: it would take another installation's jobs, or none.
func TestAWrongPrefixEndsTheAgent(t *testing.T) {
	o := options(t, "redis://127.0.0.1:1?prefix=a")
	o.Queue.Prefix = "b"
	require.ErrorContains(t, Run(t.Context(), o), `the prefix of Redis keys is "b", and "a" in the Redis URL: give it once`)
	o.Spec.Redis, o.Queue.Prefix = "redis://127.0.0.1:1", "a b"
	require.ErrorContains(t, Run(t.Context(), o), "must be letters, digits")
}

// TestConnectorOfALaterRelease: an agent that lacks a worker's connector reports it, and what to do.
func TestConnectorOfALaterRelease(t *testing.T) {
	o := options(t, "redis://127.0.0.1:1").defaults()
	o.Version = "1.2.3"
	o.Spec.Workers[0].Connector = "telepathy"
	require.EqualError(t, o.validate(), `worker "`+o.Spec.Workers[0].Name+`": this agent (1.2.3) has no connector "telepathy", only comfyui, simulation: deploy an agent that has it`)
}

// TestListensInANetworkNamespace: where the advertised address is another namespace's, the port inside is used.
func TestListensInANetworkNamespace(t *testing.T) {
	o := options(t, "redis://127.0.0.1:1")
	o.Listen, o.Fallback, o.Advertise = "192.0.2.1:20000", "127.0.0.1:0", "192.0.2.1:20000"
	a := start(t, o)
	require.Equal(t, "192.0.2.1:20000", a.status().Addr)
}
