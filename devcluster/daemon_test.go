package devcluster

import (
	"fmt"
	"net"
	"strings"
	"testing"

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
		stranger, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0]))
		require.NoError(t, err)
		defer stranger.Close()
		_, err = net.Listen("tcp", stranger.Addr().String())
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
