package compiler_test

import (
	"fmt"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/profile"
)

// A pool becomes one Nomad job with one task group per revision of its machine.
func ExampleCompile() {
	p, diags := profile.LoadBytes([]byte(`
machine "gpu" {
  kind   = "gpu"
  driver = "raw_exec"
  resources {
    cpu    = 4000
    memory = "16GiB"
  }
  gpu { count = 2 }
  agent { redis = "redis://redis.example:6379" }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    command = "/usr/bin/python3"
    args    = ["main.py", "--port", self.port]
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "standard" {
  machine = machine.gpu
  size {
    min = 1
    max = 10
  }
}
`), "profiles.hcl", profile.Options{})
	if diags.HasErrors() {
		fmt.Println(diags)
		return
	}
	pools, diags := compiler.Compile(p)
	if diags.HasErrors() {
		fmt.Println(diags)
		return
	}
	pool := pools[0]
	fmt.Println(*pool.Job.ID, *pool.Job.Type, *pool.Group().Count)
	for _, task := range pool.Group().Tasks {
		fmt.Println(task.Name, len(task.Resources.Devices), task.Leader)
	}
	// Output:
	// standard service 1
	// comfyui-gpu0 1 false
	// comfyui-gpu1 1 false
	// agent 0 true
}
