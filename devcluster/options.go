package devcluster

import (
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"

	"github.com/emprops/machinectl/devcluster/gpu"
	"github.com/emprops/machinectl/devcluster/standin"
)

// Options configures a cluster. The zero value is valid.
type Options struct {
	// Dir is the folder for all files. Default: a temporary folder, which Stop removes.
	Dir string
	// GPUs is how many simulated GPUs the node has, GPUModel their name, and GPUMemory the MiB of each. A real Nomad
	// needs SimGPUBinary for them.
	GPUs      int
	GPUModel  string
	GPUMemory int
	// CPU (MHz), Memory (MiB) and Disk (MiB) are what the node declares; tasks may use more than they request. Default:
	// 256,000 MHz, 1 TiB, 1 TiB.
	CPU, Memory, Disk int
	// Embedded ignores nomad and redis-server on PATH. EmbeddedNomad and EmbeddedRedis ignore one of them.
	Embedded      bool
	EmbeddedNomad bool
	EmbeddedRedis bool
	// SimGPUBinary is the path of nomad-device-simgpu. Default: found on PATH.
	SimGPUBinary string
	// RedisFsync is a real Redis's appendfsync: "everysec" (default) or "always".
	RedisFsync string
	// Logger receives the cluster's own log. Default: nothing is logged.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	spec := gpu.Spec{Count: o.GPUs, Model: o.GPUModel, Memory: o.GPUMemory}.Defaults()
	o.GPUModel, o.GPUMemory = spec.Model, spec.Memory
	if o.CPU == 0 {
		o.CPU = 256_000
	}
	if o.Memory == 0 {
		o.Memory = 1 << 20
	}
	if o.Disk == 0 {
		o.Disk = 1 << 20
	}
	if o.RedisFsync == "" {
		o.RedisFsync = "everysec"
	}
	if o.Embedded {
		o.EmbeddedNomad, o.EmbeddedRedis = true, true
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.CPU < 1 || o.Memory < 1 || o.Disk < 1:
		return fmt.Errorf("devcluster: CPU %d, Memory %d, Disk %d: each must be positive", o.CPU, o.Memory, o.Disk)
	case o.RedisFsync != "everysec" && o.RedisFsync != "always":
		return fmt.Errorf("devcluster: RedisFsync %q, want everysec or always", o.RedisFsync)
	}
	return o.gpus("").Validate()
}

func (o Options) gpus(controlFile string) gpu.Spec {
	return gpu.Spec{Count: o.GPUs, Model: o.GPUModel, Memory: o.GPUMemory, ControlFile: controlFile}.Defaults()
}

func (o Options) resources() standin.Resources {
	return standin.Resources{CPU: o.CPU, Cores: runtime.NumCPU(), Memory: o.Memory, Disk: o.Disk}
}

// find returns the path of a program, or "" if it isn't on PATH.
func find(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		return ""
	}
	return path
}
