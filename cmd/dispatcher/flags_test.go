package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAddrFile: the address of a dispatcher on port 0 is in a file, written atomically.
func TestAddrFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addr")
	o, err := options([]string{"-listen", "127.0.0.1:0", "-addr-file", path}, func(string) string { return "" }, os.Stderr)
	require.NoError(t, err)
	o.Ready("127.0.0.1:12345")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:12345\n", string(b))
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, left)
}

// Which pools a dispatcher resizes: all that its token may read, unless the flags or NOMAD_NAMESPACE narrow it.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args                []string
		env                 string
		namespaces, regions []string
	}{
		{},
		{env: "gpu", namespaces: []string{"gpu"}},
		{args: []string{"-namespaces", "*"}, env: "gpu", namespaces: []string{"*"}},
		{args: []string{"-namespaces", "gpu, default,gpu"}, env: "a b", namespaces: []string{"gpu", "default"}},
		{args: []string{"-namespace", "gpu"}, env: "*", namespaces: []string{"gpu"}},
		{args: []string{"-regions", "eu,us-1"}, regions: []string{"eu", "us-1"}},
	} {
		o, err := options(tc.args, func(name string) string { return map[string]string{"NOMAD_NAMESPACE": tc.env}[name] }, os.Stderr)
		require.NoError(t, err)
		require.Equal(t, tc.namespaces, o.Namespaces, "%v", tc)
		require.Equal(t, tc.regions, o.Regions, "%v", tc)
	}
}

// What can never work ends the program immediately, with one message and exit code 2.
func TestWrongCommandLines(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, out.Close()) })
	for _, tc := range []struct {
		args []string
		env  map[string]string
		says string
	}{
		{args: []string{"-redis", "http://h:6379"}, says: `the Redis URL has the scheme "http"`},
		{args: []string{"-redis", "redis:/x"}, says: "names no host"},
		{args: []string{"-redis", "redis://:secret@h/x"}, says: `database "x"`},
		{env: map[string]string{"MACHINE_REDIS_URL": "redis://h:port"}, says: "port"},
		{env: map[string]string{"MACHINE_REDIS_URL": "redis://a:1,b:2"}, says: `the scheme "b"`},
		{args: []string{"-namespaces", "a b"}, says: "not the name of a namespace"},
		{args: []string{"-namespaces", "gpu,,x"}, says: `"" is not the name of a namespace`},
		{args: []string{"-namespace", "gpu/*"}, says: "not the name of a namespace"},
		{env: map[string]string{"NOMAD_NAMESPACE": "a b"}, says: "NOMAD_NAMESPACE: \"a b\" is not the name of a namespace"},
		{args: []string{"-regions", "a/b"}, says: "not the name of a region"},
		{args: []string{"-redis-prefix", "a b"}, says: `the prefix "a b" of Redis keys must be`},
		{args: []string{"-redis-prefix", "{x}"}, says: `the prefix "{x}" of Redis keys must be`},
		{args: []string{"-redis-prefix", "a", "-redis", "redis://h?prefix=b"}, says: `is "a", and "b" in the Redis URL: give it once`},
		{env: map[string]string{"MACHINE_REDIS_PREFIX": "a*"}, says: `MACHINE_REDIS_PREFIX: the prefix "a*"`},
		{args: []string{"-redis", "redis://h?prefix=a*"}, says: "the parameter prefix, which must be"},
		{args: []string{"more"}, says: "unexpected argument"},
		{args: []string{"-alerts", "/nowhere"}, says: "-alerts: the file /nowhere can't be read: no such file or directory"},
		{env: map[string]string{"MACHINE_ALERTS": "testdata/wrong-alerts.hcl"}, says: "-alerts: 2 errors"},
	} {
		_, err := options(tc.args, func(name string) string { return tc.env[name] }, out)
		require.ErrorContains(t, err, tc.says)
		require.Equal(t, 2, exitCode(err))
		require.NotContains(t, err.Error(), "secret")
	}
	printed, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.NotContains(t, string(printed), "secret")

	_, err = options([]string{"-redis", "redis://no.such.host.invalid"}, os.Getenv, out)
	require.NoError(t, err, "a host that can't be found now may be later")
	secret := func(name string) string { return map[string]string{"MACHINE_REDIS_URL": "redis://:secret@h"}[name] }
	_, err = options([]string{"-h"}, secret, out)
	require.True(t, errors.Is(err, flag.ErrHelp))
	printed, err = os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Contains(t, string(printed), "MACHINE_REDIS_URL")
	require.NotContains(t, string(printed), "secret", "help doesn't show what the environment holds")
	o, err := options(nil, secret, out)
	require.NoError(t, err)
	require.Equal(t, "redis://:secret@h", o.Redis)
}
