package api

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for address, says := range map[string]string{
		taken.Addr().String():    fmt.Sprintf("another program listens on %s", taken.Addr()),
		"192.0.2.1:0":            "192.0.2.1 is not an address of this machine: write -listen 127.0.0.1:0",
		"[2001:db8::1]:80":       "2001:db8::1 is not an address of this machine",
		"nowhere.invalid:0":      `no address of "nowhere.invalid" is known`,
		"127.0.0.1":              "write HOST:PORT",
		"127.0.0.1:99999":        "a port from 0 to 65535",
		"127.0.0.1:no-such-port": "a port from 0 to 65535",
	} {
		_, err := net.Listen("tcp", address)
		require.Error(t, err, address)
		err = cannotListen(address, err)
		require.ErrorContains(t, err, says, address)
		for _, internal := range []string{"listen tcp", "bind:", "lookup"} {
			require.NotContains(t, err.Error(), internal)
		}
	}
	require.Equal(t, "pool a", named([]string{"a"}))
	require.Equal(t, "pools a, b", named([]string{"a", "b"}))
}
