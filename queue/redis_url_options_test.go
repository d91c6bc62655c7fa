package queue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a URL says reaches the connections, and what it leaves out has this package's defaults.
func TestURLParametersAreHonored(t *testing.T) {
	got, err := redisOptions(Options{PoolSize: 3, URL: "redis://u:p@a:1/2?dial_timeout=1s&read_timeout=20s&write_timeout=7s&pool_size=8&master=m&sentinel_password=x,redis://b:2"})
	require.NoError(t, err)
	require.Equal(t, []string{"a:1", "b:2"}, got.Addrs)
	require.Equal(t, []any{"u", "p", 2, "m", "x", false}, []any{got.Username, got.Password, got.DB, got.MasterName, got.SentinelPassword, got.IsClusterMode})
	require.Equal(t, []any{time.Second, 20 * time.Second, 7 * time.Second, 8}, []any{got.DialTimeout, got.ReadTimeout, got.WriteTimeout, got.PoolSize})

	got, err = redisOptions(Options{PoolSize: 3, URL: "rediss://h?cluster=true&server_name=n"})
	require.NoError(t, err)
	require.Equal(t, []any{dialTimeout, readTimeout, writeTimeout, 3}, []any{got.DialTimeout, got.ReadTimeout, got.WriteTimeout, got.PoolSize})
	require.True(t, got.IsClusterMode)
	require.Equal(t, "n", got.TLSConfig.ServerName)
}
