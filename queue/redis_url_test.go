package queue_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

func TestRedisURLs(t *testing.T) {
	for _, good := range []string{
		"redis://127.0.0.1:6379", "redis://redis", "redis://redis.service.consul:6379/0", "redis://user:p%40ss%3A%2F@h:1/15", "redis://:only@h",
		"rediss://h:6380/2", "rediss://h?server_name=redis", "unix:///run/redis.sock", "unix://user:pw@/run/redis.sock?db=3", "redis://[::1]:6379/1",
		"redis://a:1,redis://b:2,redis://c:3", "redis://a:1?cluster=true", "redis://a:1?master=main,redis://b:2?master=main", "redis://a:1, redis://b:2",
		"redis://a:26379?master=main&sentinel_password=x", "redis://h/3?pool_size=5&read_timeout=6s", "redis://no.such.host.invalid:6379", "redis://h:6379/",
	} {
		require.NoError(t, queue.CheckURL(good), good)
	}
	for bad, says := range map[string]string{
		"":                              "is missing",
		"   ":                           "is missing",
		"127.0.0.1:6379":                "has no scheme",
		"localhost:6379":                `has the scheme "localhost"`,
		"redis.service.consul":          "has no scheme",
		"//h:6379":                      "has no scheme",
		"http://h:6379":                 `has the scheme "http"`,
		"https://h:6379":                `has the scheme "https"`,
		"tcp://h:6379":                  `has the scheme "tcp"`,
		"redis:/x":                      "names no host",
		"redis:x":                       "names no host",
		"redis:h:6379":                  "names no host",
		"redis://":                      "names no host",
		"redis:///0":                    "names no host",
		"redis://:6379":                 "names no host",
		"redis://user:secret@:6379/0":   "names no host",
		"rediss://?db=3":                "names no host",
		"redis://h:port":                "port",
		"redis://h:":                    "port",
		"redis://h:0":                   "port 0",
		"redis://h:65536":               "port 65536",
		"redis://h:-1":                  "port",
		"redis://h:1:2":                 "port",
		"redis://user:secret@h:port/0":  "port",
		"redis://h/x":                   `database "x"`,
		"redis://h/-1":                  `database "-1"`,
		"redis://h/0/1":                 `database "0/1"`,
		"redis://h/1.5":                 `database "1.5"`,
		"redis://h?db=x":                `database "x"`,
		"unix:///run/redis.sock?db=-2":  `database "-2"`,
		"unix://run/redis.sock":         "unix:///",
		"unix://":                       "unix:///",
		"redis://h?pool=3":              `unknown parameter "pool"`,
		"redis://h?read_timeout=soon":   "parameter read_timeout",
		"redis://h?cluster=yes":         "parameter cluster",
		"redis://h?cluster=true&db=3":   "only database 0",
		"redis://a:1/3,redis://b:2/3":   "only database 0",
		"redis://a:1,,redis://b:2":      "empty",
		"redis://a:1,":                  "empty",
		"redis://a:1,http://b:2":        `has the scheme "http"`,
		"redis://a:1,b:2":               `has the scheme "b"`,
		"redis://user:secr,et@h:1":      "%2C",
		"redis://a:1,rediss://b:2":      "redis:// and rediss://",
		"redis://h b:6379":              "white space",
		"redis://h:6379/0\n":            "white space",
		"redis://%zz:6379":              "%",
		"redis://user:se%cret@h:1":      "%25",
		"redis://h?ca=/x":               "rediss://",
		"rediss://h?ca=/no/such/file":   "/no/such/file",
		"rediss://h?cert=/no/such/file": "cert and key together",
		"redis://user:s/ecret@h:1":      "%2F",
		"redis://${REDIS}":              "not replaced by its value",
	} {
		err := queue.CheckURL(bad)
		var wrong *queue.URLError
		require.ErrorAs(t, err, &wrong, "%q", bad)
		require.ErrorContains(t, err, says, "%q", bad)
		require.NotContains(t, err.Error(), "secr", "%q", bad)
		for _, internal := range []string{"parse \"", "strconv", "redis: ", "invalid syntax", "net/url", "open "} {
			require.False(t, strings.Contains(err.Error(), internal), "%q: %s", bad, err)
		}
		_, err = queue.Open(t.Context(), queue.Options{URL: bad})
		require.ErrorAs(t, err, &wrong, "%q", bad)
	}
}
