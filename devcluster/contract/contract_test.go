package contract_test

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/devcluster/contract"
)

func TestMain(m *testing.M) {
	if contract.RunProgram() {
		return
	}
	// The behaviours mostly wait, so more of them run in parallel than there are processors.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

func TestStandIn(t *testing.T) {
	runContract(t, devcluster.Options{Embedded: true})
}

func TestRealNomad(t *testing.T) {
	if _, err := exec.LookPath("nomad"); err != nil {
		t.Skip("skipped: nomad is not on PATH")
	}
	if testing.Short() {
		t.Skip("skipped: a real Nomad takes a while, and -short was given")
	}
	plugin := filepath.Join(t.TempDir(), "nomad-device-simgpu")
	build := exec.Command("go", "build", "-o", plugin, "github.com/emprops/machinectl/cmd/simgpu")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	runContract(t, devcluster.Options{EmbeddedRedis: true, SimGPUBinary: plugin})
}

func runContract(t *testing.T, opts devcluster.Options) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	opts.GPUs = 4
	opts.GPUModel, opts.GPUMemory = "NVIDIA GeForce RTX 4090", 24564
	c, err := devcluster.Start(ctx, opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		stop, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, c.Stop(stop))
	})
	for _, line := range c.Describe() {
		t.Log(line)
	}
	t.Run("contract", func(t *testing.T) {
		contract.Run(t, contract.Target{Addr: c.NomadAddr(), GPUs: 4, Model: opts.GPUModel, Memory: opts.GPUMemory, SetHealth: c.SetGPUHealth})
	})
}
