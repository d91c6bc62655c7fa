package compiler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/jobfile"
	"github.com/emprops/machinectl/hcl/profile"
)

// thousandPools is a profile of a thousand pools, each with a machine of its own of ten tasks: setup, eight ComfyUIs, agent.
func thousandPools() []byte {
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
  setup { command = "/bin/true" }
  agent { redis = "redis://redis.example:6379" }
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
	return []byte(src.String())
}

// BenchmarkCompile goes from text to jobs: a thousand pools, ten thousand tasks.
func BenchmarkCompile(b *testing.B) {
	src := thousandPools()
	for b.Loop() {
		p, diags := profile.LoadBytes(src, "p.hcl", profile.Options{})
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		pools, diags := compiler.Compile(p)
		if diags.HasErrors() || len(pools) != 1000 || len(pools[0].Group().Tasks) != 10 {
			b.Fatal(diags, len(pools))
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "pools/s")
}

// BenchmarkAgainstNomad compares, in turns, text to jobs here with Nomad's parsing of the same jobs as job files. parse/compile
// is how many times as long Nomad takes; its time includes a local HTTP request per job.
func BenchmarkAgainstNomad(b *testing.B) {
	client := realNomad(b)
	src := thousandPools()
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		p, _ := profile.LoadBytes(src, "p.hcl", profile.Options{})
		pools, diags := compiler.Compile(p)
		if diags.HasErrors() || len(pools) != 1000 {
			b.Fatal(diags)
		}
		ours += time.Since(start)
		files := make([]string, len(pools))
		for i, pool := range pools {
			files[i] = string(jobfile.Write(pool.Job))
		}
		start = time.Now()
		for _, file := range files {
			if _, err := client.Jobs().ParseHCL(file, true); err != nil {
				b.Fatal(err)
			}
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(ours.Seconds()/float64(b.N), "s/compile")
	b.ReportMetric(theirs.Seconds()/float64(b.N), "s/parse")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "parse/compile")
}
