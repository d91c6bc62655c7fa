package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/jobfile"
	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/hcl/profile"
)

const (
	compilePools = 1000
	poolTasks    = 10 // setup, eight ComfyUIs, agent
)

// measureCompile alternates between compiling a profile's text to Nomad jobs and having Nomad parse the same jobs as
// job files.
func measureCompile(ctx context.Context, e *env) (outcomes, error) {
	c := &compileRun{text: manyPools(pick(e, compilePools, compilePools/20)), ours: series{}, theirs: series{}}
	participants := []string{"machinectl"}
	missing := ""
	if _, err := exec.LookPath("nomad"); err != nil {
		missing = "nomad is not on PATH"
	} else {
		cluster, err := devcluster.Start(ctx, devcluster.Options{EmbeddedRedis: true})
		if err != nil {
			return nil, err
		}
		defer func() { _ = cluster.Stop(context.WithoutCancel(ctx)) }()
		if c.client, err = nomad.NewClient(&nomad.Config{Address: cluster.NomadAddr(), HttpClient: http.DefaultClient}); err != nil {
			return nil, err
		}
		participants = append(participants, "Nomad")
	}
	if err := c.compile(); err != nil { // makes the job files, and keeps the slow first time out of the samples
		return nil, err
	}
	c.ours = c.ours[:0]
	if err := e.interleave(ctx, "compile", participants, c.one); err != nil {
		return nil, err
	}
	detail := map[string]series{"machinectl s": c.ours, "Nomad s": c.theirs}
	out := outcomes{
		"compile-time":  {Samples: c.ours, Detail: detail, Note: fmt.Sprintf("%d pools, %d tasks, %d KB of text", c.pools, c.pools*poolTasks, len(c.text)/1000)},
		"compile-nomad": {Missing: missing},
	}
	if missing == "" {
		out["compile-nomad"] = outcome{
			Samples: c.theirs.over(c.ours), Detail: detail,
			Note: fmt.Sprintf("ours %.2f s, Nomad %.2f s, a local request per job", c.ours.median(), c.theirs.median()),
		}
	}
	return out, nil
}

type compileRun struct {
	text   []byte
	client *nomad.Client
	pools  int
	files  []string // the compiled jobs as job files

	ours, theirs series // seconds
}

func (c *compileRun) one(ctx context.Context, participant string) error {
	if participant == "machinectl" {
		return c.compile()
	}
	return c.parse(ctx)
}

func (c *compileRun) compile() error {
	start := time.Now()
	p, diags := profile.LoadBytes(c.text, "pools.hcl", profile.Options{})
	if diags.HasErrors() {
		return diags
	}
	pools, diags := compiler.Compile(p)
	if diags.HasErrors() {
		return diags
	}
	c.ours = append(c.ours, time.Since(start).Seconds())
	if len(pools) == 0 || len(pools[0].Group().Tasks) != poolTasks {
		return errors.New("the profile was compiled to unexpected jobs")
	}
	if c.files == nil {
		c.pools = len(pools)
		for _, pool := range pools {
			c.files = append(c.files, string(jobfile.Write(pool.Job)))
		}
	}
	return nil
}

func (c *compileRun) parse(ctx context.Context) error {
	start := time.Now()
	for _, file := range c.files {
		if _, err := c.client.Jobs().ParseHCLOpts(&nomad.JobsParseRequest{JobHCL: file, Canonicalize: true}); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	c.theirs = append(c.theirs, time.Since(start).Seconds())
	return nil
}

// manyPools returns a profile of n pools, each with a machine of its own.
func manyPools(n int) []byte {
	var src strings.Builder
	src.WriteString("variable \"tag\" { default = \"1\" }\nlocals { image = \"registry.example/comfyui:${var.tag}\" }\n")
	for i := range n {
		fmt.Fprintf(&src, `
machine "m%[1]d" {
  kind  = "gpu"
  image = local.image
  resources {
    cpu    = 4000
    memory = "32GiB"
  }
  gpu { count = 8 }
  setup { command = "/opt/setup.sh" }
  agent { redis = "redis://redis.example:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    args = ["--port", self.port, "--output", "/data/${local.image}-%[1]d"]
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    capabilities = ["cuda"]
    offers       = { model = ["model-%[1]d"] }
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
