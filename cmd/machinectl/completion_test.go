package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCompletionWaitsForNobody: a Nomad and a dispatcher that take connections and never answer keep no shell waiting.
func TestCompletionWaitsForNobody(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	for _, command := range []string{"status", "machines", "rollback", "destroy", "logs", "restart", "pools", "pause", "resume", "drain", "jobs"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, "machinectl", command, "--generate-shell-completion")
			cmd.Env = append(os.Environ(), "NOMAD_ADDR=http://"+silent.Addr().String(), "MACHINECTL_DISPATCHER=http://"+silent.Addr().String())
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			require.Empty(t, string(out))
		})
	}
}
