package redisurl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/redisurl"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]redisurl.URL{
		"redis://h":                              {Addrs: []string{"h:6379"}},
		"rediss://u:p%40ss@[::1]:6380/2":         {Addrs: []string{"[::1]:6380"}, TLS: true, User: "u", Password: "p@ss", DB: 2},
		"unix://:pw@/run/redis.sock?db=3":        {Addrs: []string{"/run/redis.sock"}, Unix: true, Password: "pw", DB: 3},
		"redis://a,redis://b:2":                  {Addrs: []string{"a:6379", "b:2"}, Cluster: true},
		"redis://a?cluster=true":                 {Addrs: []string{"a:6379"}, Cluster: true},
		"redis://:pw@a/3?master=m,redis://b":     {Addrs: []string{"a:6379", "b:6379"}, Password: "pw", DB: 3, Master: "m"},
		"redis://a,redis://b/3?master=m":         {Addrs: []string{"a:6379", "b:6379"}, DB: 3, Master: "m"},
		"redis://a?master=m&sentinel_password=x": {Addrs: []string{"a:6379"}, Master: "m", SentinelPassword: "x"},
		"rediss://a?ca=c&cert=d&key=e&server_name=f": {
			Addrs: []string{"a:6379"}, TLS: true, CA: "c", Cert: "d", Key: "e", ServerName: "f",
		},
		"redis://a?prefix=team-b": {Addrs: []string{"a:6379"}, Prefix: "team-b"},
		"redis://a?dial_timeout=1s&read_timeout=6s&write_timeout=7s&pool_size=8": {
			Addrs: []string{"a:6379"}, DialTimeout: time.Second, ReadTimeout: 6 * time.Second, WriteTimeout: 7 * time.Second, PoolSize: 8,
		},
	} {
		got, err := redisurl.Parse(text)
		require.Nil(t, err, text)
		require.Equal(t, &want, got, text)
	}
}

// Every parameter is refused without a value, twice, and with different values in a list. What has a form is refused in another.
func TestEveryParameter(t *testing.T) {
	refused := func(text, says string) {
		t.Helper()
		_, err := redisurl.Parse(text)
		require.NotNil(t, err, text)
		require.Contains(t, err.Problem, says, text)
	}
	for _, name := range redisurl.Parameters() {
		refused("redis://h?"+name+"=", "without a value")
		refused("redis://h?"+name, "without a value")
		refused("redis://h?"+name+"=1&"+name+"=1", name+" twice")
		refused("redis://a?"+name+"=1,redis://b?"+name+"=2", "different values of "+name)
		refused("redis://h?"+strings.ToUpper(name)+"=1", "unknown parameter")
	}
	for name, bad := range map[string][]string{
		"db":            {"x", "-1", "1.5", "99999999999999999999"},
		"cluster":       {"yes", "1", "True"},
		"dial_timeout":  {"5", "soon", "-1s", "0s", "1ms", "1h"},
		"read_timeout":  {"1s", "300", "1h"},
		"write_timeout": {"10ms", "x"},
		"pool_size":     {"a", "0", "-1", "1e3", "10001"},
	} {
		for _, value := range bad {
			refused("redis://h?"+name+"="+value, map[bool]string{true: "asks for database", false: "the parameter " + name}[name == "db"])
		}
	}
}

func TestRefused(t *testing.T) {
	for text, says := range map[string]string{
		"redis://h/?bad=1":                            `unknown parameter "bad"`,
		"redis://h?addr=":                             `unknown parameter "addr"`,
		"redis://h?max_retries=3":                     `unknown parameter "max_retries"`,
		"redis://h?skip_verify=true":                  `unknown parameter "skip_verify"`,
		"redis://h/1?db=1":                            "a database twice",
		"redis://h/1?db=x":                            "a database twice",
		"redis://h?db=1;pool_size=2":                  "can't be read",
		"redis://h?=1":                                "unknown parameter",
		"redis://h/0#x":                               "%23",
		"redis://h/0#":                                "%23",
		"redis://a/1?master=m,redis://b/2":            "different values of db",
		"redis://u:1@a,redis://u:2@b":                 "different users or passwords",
		"redis://a?cluster=false,redis://b":           "cluster=false",
		"redis://a?cluster=true&master=m":             "exclude each other",
		"redis://a?sentinel_password=x":               "without master",
		"redis://a?prefix=a%20b":                      "the parameter prefix, which must be letters",
		"unix:///a.sock,unix:///b.sock":               "several sockets",
		"unix:///a.sock?cluster=true":                 "neither a cluster",
		"unix:a.sock":                                 "names no socket",
		"redis://h?ca=/x":                             "rediss://",
		"rediss://h?cert=/x":                          "together",
		"redis://user:12/sec@h":                       "%2F",
		"redis://user:12#sec@h":                       "%23",
		"redis://user:12?sec=1@h":                     "%3F",
		"redis://user:pa?sec@h":                       "%3F",
		"redis://h/%01?db=1":                          "database twice",
		`redis://h"`:                                  "quotation mark",
		"redis://user:p,a@h":                          "%2C",
		"redis://h?master=a&master=b&pool_size=queue": "master twice",
	} {
		_, err := redisurl.Parse(text)
		require.NotNil(t, err, text)
		require.Contains(t, err.Problem, says, text)
		require.NotContains(t, err.Error(), "sec", text)
	}
}

// The discreet form of a refusal quotes nothing of the URL, whatever stands in it and wherever.
func TestDiscreet(t *testing.T) {
	const canary = "qzxjkv"
	pieces := []string{canary, "redis://", "rediss://", "unix://", "/", "@", ":", "?", "&", "=", "#", ",", "%", "%40", "[", "]", "h", "1", "db", "pool_size", "master", "cluster", " ", "\"", "\n", "é"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 14).Draw(t, "pieces"), "")
		if rapid.Bool().Draw(t, "schemed") {
			text = "redis://" + text
		}
		u, err := redisurl.Parse(text)
		if err == nil {
			require.NotEmpty(t, u.Addrs)
			return
		}
		require.NotContains(t, err.Discreet, canary, text)
	})
}
