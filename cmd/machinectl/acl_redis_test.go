package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent"
	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// printed is what a command writes to standard output.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), append([]string{"machinectl"}, args...), streams{out: &out, err: &said}), said.String())
	return out.String()
}

// TestACLRedis: a job runs on a Redis that has no users but the printed ones, from a dispatcher's queue to an agent. The agent's
// user can't read what is the dispatcher's.
func TestACLRedis(t *testing.T) {
	text := printed(t, "acl", "redis")
	unhashed := filepath.Join(t.TempDir(), "unhashed")
	require.NoError(t, os.WriteFile(unhashed, []byte(text), 0o600))
	password := func(role string) string { return "password-of-" + role }
	placeholder := regexp.MustCompile(`<sha256 of the (\w+)'s password>`)
	require.Len(t, placeholder.FindAllString(text, -1), 2)
	text = placeholder.ReplaceAllStringFunc(text, func(found string) string {
		sum := sha256.Sum256([]byte(password(placeholder.FindStringSubmatch(found)[1])))
		return hex.EncodeToString(sum[:])
	})
	var lines []string // Redis doesn't take comments in the file that it starts with
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	file := filepath.Join(t.TempDir(), "users.acl")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(append(lines, "user default off"), "\n")+"\n"), 0o600))
	server := queuetest.StartRedis(t, "--aclfile", file)
	url := func(role string) string {
		return fmt.Sprintf("redis://machinectl-%s:%s@%s", role, password(role), server.Addr)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dispatcher, err := queue.Open(ctx, queue.Options{URL: url("dispatcher")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, dispatcher.Close()) })
	ended := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() {
		ended <- agent.Run(running, agent.Options{
			Spec: &manifest.Agent{
				Version: manifest.AgentVersion, Pool: "test", Machine: "sim", Kind: "api", Redis: url("agent"), Blobs: "file://" + t.TempDir(), Grace: wiretime.Duration(5 * time.Second),
				Workers: []manifest.Worker{{Name: "w", Connector: "simulation", Concurrency: 1, Offer: capability.Offer{Type: "simulation"}}},
			},
			ID: "m1", Group: "sim-00000000", HeartbeatEvery: 100 * time.Millisecond, ReportEvery: 100 * time.Millisecond,
			Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
	}()
	job, err := dispatcher.Submit(ctx, queue.Submission{Type: "simulation", Parameters: json.RawMessage(`{"duration": "300ms", "steps": 3}`)})
	require.NoError(t, err)
	events, err := dispatcher.Events(ctx, job.ID, "")
	require.NoError(t, err)
	for range events.C {
	}
	job, err = dispatcher.Get(ctx, job.ID)
	require.NoError(t, err)
	require.Equal(t, queue.Completed, job.State, "%+v", job.Error)
	stop()
	require.NoError(t, <-ended)

	thief, err := queue.Connect(queue.Options{URL: url("agent")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, thief.Close()) })
	for _, name := range []string{"access:tokens", "access:audit", "webhook:secrets"} {
		require.ErrorContains(t, thief.HGetAll(ctx, queue.Key("", name)).Err(), "NOPERM")
	}
	require.ErrorContains(t, thief.Keys(ctx, "*").Err(), "NOPERM")

	var one struct {
		Users []queue.RedisUser `json:"users"`
	}
	require.NoError(t, json.Unmarshal([]byte(printed(t, "acl", "redis", "-json", "-redis-prefix", "team", "agent")), &one))
	require.Len(t, one.Users, 1)
	require.Contains(t, one.Users[0].Rules, "~team:{[a-z]*")
}
