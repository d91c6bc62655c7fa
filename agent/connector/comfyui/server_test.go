package comfyui

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
)

var update = flag.Bool("update", false, "write testdata of comfytest from the real ComfyUI")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if shared.real != nil {
			shared.real.kill()
			_ = os.RemoveAll(shared.real.dir)
		}
		os.Exit(code)
	}), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

const golden = "comfytest/testdata/protocol.txt"

func TestSimulatedServerSpeaksTheProtocol(t *testing.T) {
	s, err := comfysim.Start(comfysim.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer s.Close()
	checkTranscript(t, s.Addr())
}

func TestRealServerSpeaksTheProtocol(t *testing.T) {
	checkTranscript(t, realServer(t).addr)
}

func checkTranscript(t *testing.T, addr string) {
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	got, err := comfytest.Transcript(ctx, addr, rand.IntN(0xFFFF00))
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
