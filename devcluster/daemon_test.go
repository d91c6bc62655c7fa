package devcluster

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

// TestPortTakenMeanwhile: a daemon that finds its port taken is started on another one.
func TestPortTakenMeanwhile(t *testing.T) {
	var tried []int
	err := onFreePorts(2, func(ports []int) error {
		tried = append(tried, ports...)
		if len(tried) > 2 {
			return nil
		}
		other, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0]))
		require.NoError(t, err)
		defer other.Close()
		_, err = net.Listen("tcp", other.Addr().String())
		return fmt.Errorf("devcluster: redis-server ended: B%s", strings.TrimPrefix(err.Error(), "b"))
	})
	require.NoError(t, err)
	require.Len(t, tried, 4)

	calls := 0
	err = onFreePorts(1, func([]int) error { calls++; return fmt.Errorf("bind: Address already in use") })
	require.ErrorContains(t, err, "already in use")
	require.Equal(t, portTries, calls)
	calls = 0
	require.Error(t, onFreePorts(1, func([]int) error { calls++; return fmt.Errorf("something else") }))
	require.Equal(t, 1, calls)
}

// TestStrangersNomad: a ready Nomad that has the port we wanted isn't taken for ours.
func TestForeignNomad(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, map[string]string{
			"/v1/agent/self": `{"member": {"Name": "other.global", "Port": 4648, "Tags": {"port": "4647"}}}`,
			"/v1/nodes":      `[{"ID": "n", "Status": "ready"}]`,
			"/v1/node/n":     `{"ID": "n", "NodeResources": {}, "Drivers": {"raw_exec": {"Healthy": true}}}`,
		}[r.URL.Path])
	}))
	defer other.Close()
	client, err := api.NewClient(&api.Config{Address: other.URL})
	require.NoError(t, err)
	defer client.Close()
	ours := nomadAgent{rpc: 4647, serf: 4648}
	require.NoError(t, ours.ready(t.Context(), client))
	for _, n := range []nomadAgent{{rpc: 4647, serf: 1}, {rpc: 1, serf: 4648}} {
		require.ErrorContains(t, n.ready(t.Context(), client), "another Nomad, other.global, answers")
	}
}
