package comfysim_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
)

// If another process takes the port during the start time, the server fails instead of living on without serving.
func TestPortIsTakenWhileItStarts(t *testing.T) {
	s, err := comfysim.Start(comfysim.Options{Dir: t.TempDir(), StartTime: 500 * time.Millisecond})
	require.NoError(t, err)
	defer s.Close()
	other, err := net.Listen("tcp", s.Addr())
	require.NoError(t, err)
	defer other.Close()
	select {
	case err := <-s.Failed():
		require.ErrorContains(t, err, "address already in use")
	case <-s.Serving():
		t.Fatal("serves on a port that is taken")
	case <-time.After(30 * time.Second):
		t.Fatal("neither serves nor fails")
	}
}
