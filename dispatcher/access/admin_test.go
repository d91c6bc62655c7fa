package access_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// TestAdminTokenOfTheEnvironment: the token itself, or its hash.
func TestAdminTokenOfTheEnvironment(t *testing.T) {
	server := queuetest.StartRedis(t)
	for _, text := range []string{admin, hashOf(admin), " " + admin + "\n", "sha256:" + strings.ToUpper(hashOf(admin)[7:])} {
		d := open(t, server.URL, func(o *access.Options) { o.AdminToken = text })
		i, why := d.try(admin)
		require.Empty(t, why)
		require.Equal(t, "admin-token", i.Name)
		require.True(t, i.May(access.Admin))
		_, why = d.try(hashOf(admin))
		require.Equal(t, "wrong", why, "the hash isn't the token")
		_, why = d.try(hashOf(admin)[7:])
		require.Equal(t, "wrong", why)
	}
}

// TestAdminTokenFile: the file is read again when it changes; what can't be used leaves the token before it in force.
func TestAdminTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin-token")
	write := func(text string) {
		// As deployments do it: another file in its place.
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	const next = "the-next-admin-token-for-tests"
	write("# made on Monday\n" + admin + "\n")
	d := open(t, queuetest.StartRedis(t).URL, func(o *access.Options) { o.AdminToken, o.AdminTokenFile = "", path })
	accepts := func(want map[string]string) {
		t.Helper()
		d.later(time.Second)
		for token, reason := range want {
			_, why := d.try(token)
			require.Equal(t, reason, why, token)
		}
	}
	accepts(map[string]string{admin: "", next: "wrong"})
	write(admin + "\n" + hashOf(next) + "\n")
	accepts(map[string]string{admin: "", next: ""})
	write(next)
	accepts(map[string]string{admin: "wrong", next: ""})
	for _, broken := range []string{"", "\n# nothing\n", "short", "sha256:12", "two words of a token that can't be sent"} {
		write(broken)
		accepts(map[string]string{next: "", "short": "wrong"})
		require.Contains(t, d.State(t.Context()).AdminProblem, "the token before it stays valid")
	}
	require.NoError(t, os.Remove(path))
	accepts(map[string]string{next: ""})
	accepts(map[string]string{next: ""})
	require.Equal(t, 1, strings.Count(d.log.String(), "no such file"), "one entry, not one a second")
	write(admin)
	accepts(map[string]string{admin: "", next: "wrong"})
	require.Empty(t, d.State(t.Context()).AdminProblem)
	require.Equal(t, "file", d.State(t.Context()).AdminToken)
	// In place, with the same length.
	require.NoError(t, os.WriteFile(path, []byte(strings.ToUpper(admin)), 0o600))
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)))
	accepts(map[string]string{admin: "wrong", strings.ToUpper(admin): ""})
	for _, secret := range []string{admin, next, hashOf(admin)[7:], strings.ToUpper(admin)} {
		require.NotContains(t, d.log.String(), secret)
	}
}

// TestAdminTokensThatAreRefused: a dispatcher doesn't start, and learns what to do. No message has the token.
func TestAdminTokensThatAreRefused(t *testing.T) {
	client, err := queue.Connect(queue.Options{URL: "redis://127.0.0.1:1"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	require.NoError(t, os.WriteFile(big, make([]byte, 100<<10), 0o600))
	for _, tc := range []struct {
		o    access.Options
		says string
	}{
		{access.Options{}, "openssl rand -hex 32 > admin-token"},
		{access.Options{AdminToken: "s3cret"}, "has a token of 6 characters, want at least 20"},
		{access.Options{AdminToken: "s3cret and more of an s3cret"}, "white space"},
		{access.Options{AdminToken: "sha256:s3cret"}, "not a SHA-256: want 64 hexadecimal digits"},
		{access.Options{AdminToken: "  "}, "is empty"},
		{access.Options{AdminToken: admin, AdminTokenFile: "x"}, "there are two admin tokens"},
		{access.Options{AdminTokenFile: filepath.Join(dir, "none")}, "no such file"},
		{access.Options{AdminTokenFile: dir}, "not a file with a token"},
		{access.Options{AdminTokenFile: big}, "not a file with a token"},
		{access.Options{Insecure: true, AdminToken: "s3cret"}, "at least 20"},
	} {
		tc.o.Redis = client
		_, err := access.New(tc.o)
		require.ErrorContains(t, err, tc.says)
		require.NotContains(t, err.Error(), "s3cret")
	}
	trial, err := access.New(access.Options{Redis: client, Insecure: true})
	require.NoError(t, err)
	i, err := trial.Check(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "anonymous", i.Name)
	require.True(t, trial.State(t.Context()).Open)
	closed, err := access.New(access.Options{Redis: client, Insecure: true, AdminToken: admin})
	require.NoError(t, err)
	require.False(t, closed.Open(), "with an admin token, -insecure opens nothing")
}
