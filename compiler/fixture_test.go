package compiler

import (
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/profile"
)

// gpuPool is a pool that uses most of what a profile can say.
func gpuPool() *profile.Pool {
	return &profile.Pool{
		Name: "heavy",
		Machine: &profile.Machine{
			Name:      "gpu",
			Kind:      profile.KindGPU,
			Driver:    profile.DriverRawExec,
			Resources: profile.Resources{CPU: 900, Memory: 1 << 30, Disk: 500 << 20},
			GPU:       &profile.GPU{Count: 2, Model: "NVIDIA GeForce RTX 4090", Memory: 24 << 30, Driver: ">= 550"},
			Setup:     &profile.Setup{Command: "/bin/echo", Args: []string{"100%{literal} ${HOME} $${x}"}, Timeout: 10 * time.Minute},
			Agent: profile.Agent{
				Command: "/bin/sleep", Args: []string{"3600"}, Redis: "redis://127.0.0.1:6379", Blobs: "file:///tmp/blobs",
				Grace: 20 * time.Second, Env: map[string]string{"DOLLAR": "${HOME} %{x}"},
			},
			Services: []*profile.Service{{
				Name: "comfyui", PerGPU: true, Command: "/bin/sleep", Args: []string{"3600"}, Port: "http",
				Env:   map[string]string{"PORT": "\uE000", "ADDR": "http://\uE001/"},
				Ready: &profile.Ready{Path: "/system_stats", Interval: 5 * time.Second, Timeout: 3 * time.Second},
			}},
			Workers: []*profile.Worker{{
				Name: "redis-worker", Connector: "comfyui", Service: "comfyui", Concurrency: 1,
				Offer: capability.Offer{Type: "comfyui", Flags: []string{"cuda"}, Attrs: map[string]any{"model": []any{"flux-dev"}}},
			}},
			StartTime: time.Minute,
			Env:       map[string]string{"TIER": "heavy"},
		},
		Min: 1, Max: 4, Priority: 60,
		Scale: profile.Scale{TargetWait: 30 * time.Second, UpCooldown: 10 * time.Second, DownCooldown: time.Minute, IdleAfter: 2 * time.Minute},
		Placement: profile.Placement{
			Datacenters: []string{"dc1", "eu-*"},
			Constraints: []profile.Constraint{{Attribute: "attr.kernel.name", Operator: "=", Value: "linux"}},
			Spread:      "node.unique.id",
		},
	}
}
