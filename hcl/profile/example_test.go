package profile_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

const small = `
machine "sim" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 200
    memory = "256MiB"
  }
  agent { redis = "redis://127.0.0.1:6379" }
  worker "sim" {
    connector   = "simulation"
    concurrency = 4
  }
}

pool "sim" {
  machine = machine.sim
  size { max = 3 }
}
`

// The text of a profile becomes a typed value; whatever the text leaves out has its default.
func ExampleLoadBytes() {
	p, diags := profile.LoadBytes([]byte(small), "profiles.hcl", profile.Options{})
	if diags.HasErrors() {
		fmt.Println(diags)
		return
	}
	pool := p.Pools[0]
	fmt.Println(pool.Name, pool.Min, pool.Max, pool.Scale.TargetWait)
	fmt.Println(pool.Machine.Name, pool.Machine.Kind, pool.Machine.Workers[0].Concurrency)
	// Output:
	// sim 0 3 30s
	// sim api 4
}

// A mistake is a diagnostic: where it is, what is wrong, and what to write instead.
func ExampleLoadBytes_mistake() {
	text := strings.Replace(small, "machine.sim\n", "machine.sims\n", 1)
	p, diags := profile.LoadBytes([]byte(text), "profiles.hcl", profile.Options{})
	if err := (diag.Printer{Sources: p.Sources}).Text(os.Stdout, diags); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Error: Unknown machine "sims"
	//
	//   profiles.hcl:17:13
	//   17 |   machine = machine.sims
	//      |             ^^^^^^^^^^^^
	//
	//   There is no machine.sims.
	//   → Did you mean "sim"?
}
