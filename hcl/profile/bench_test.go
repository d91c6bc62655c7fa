package profile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emprops/machinectl/hcl/profile"
)

// A profile of a thousand pools, each with a machine of its own.
func BenchmarkLoad(b *testing.B) {
	var src strings.Builder
	src.WriteString("variable \"tag\" { default = \"1\" }\nlocals { image = \"registry.example/m:${var.tag}\" }\n")
	for i := range 1000 {
		fmt.Fprintf(&src, `
machine "m%[1]d" {
  kind  = "gpu"
  image = local.image
  resources {
    cpu    = 4000
    memory = "32GiB"
  }
  gpu { count = 8 }
  agent { redis = "redis://localhost:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    args = ["--port", self.port, "${local.image}-%[1]d"]
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    capabilities = ["cuda"]
    offers       = { model = ["m%[1]d"] }
  }
}
pool "p%[1]d" {
  machine = machine.m%[1]d
  size { max = 10 }
}
`, i)
	}
	text := []byte(src.String())
	for b.Loop() {
		if p, diags := profile.LoadBytes(text, "p.hcl", profile.Options{}); diags.HasErrors() || len(p.Pools) != 1000 {
			b.Fatal(diags)
		}
	}
}
