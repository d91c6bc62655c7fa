package decompile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/decompile"
	"github.com/emprops/machinectl/hcl/profile"
)

const ours = `
machine "m" {
  kind   = "api"
  driver = "exec"
  resources {
    cpu    = 500
    memory = "512MiB"
  }
  agent {
    redis = "redis://user:hunter2-redis@host:6379"
    env   = { API_KEY = "hunter2-env", LEVEL = "info" }
  }
  worker "w" {
    connector = "simulation"
  }
}
pool "p" {
  machine = machine.m
  size { max = 3 }
}
`

// A plain secret in a job that machinectl compiled becomes a secret in the profile, and a note reports that.
func TestSecretsOfOurs(t *testing.T) {
	p, diags := profile.LoadBytes([]byte(ours), "p.hcl", profile.Options{})
	require.False(t, diags.HasErrors(), "%s", diags)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), "%s", diags)
	r, err := decompile.Profile(pools[0].Job, decompile.Options{})
	require.NoError(t, err)
	valid(t, r)
	require.False(t, r.Same)
	require.NotContains(t, r.Profile+strings.Join(r.Notes, "\n"), "hunter2")
	for _, want := range []string{
		`API_KEY           = secret("machines/p", "api_key")`, `MACHINE_REDIS_URL = secret("machines/p", "machine_redis_url")`, `LEVEL             = "info"`,
		"nomad var put machines/p api_key=… machine_redis_url=…",
	} {
		require.Contains(t, r.Profile, want)
	}
	require.NotContains(t, r.Profile, "nomad {")
	require.NotEmpty(t, r.Notes)
}

// A connector that no agent has, and settings that a connector has no such setting, or not with this value), become notes without the values.
func TestConnectorsOfOurs(t *testing.T) {
	p, diags := profile.LoadBytes([]byte(ours), "p.hcl", profile.Options{})
	require.False(t, diags.HasErrors(), "%s", diags)
	w := *p.Machines["m"].Workers[0]
	other := w
	w.Settings = map[string]string{"api_key": "hunter2-setting", "speed": "2"}
	other.Name, other.Connector, other.Settings = "other", "openai", map[string]string{"api_key": "hunter2-openai"}
	other.Offer.Type = other.Connector
	p.Machines["m"].Workers = []*profile.Worker{&w, &other}
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), "%s", diags)
	r, err := decompile.Profile(pools[0].Job, decompile.Options{})
	require.NoError(t, err)
	valid(t, r)
	require.False(t, r.Same)
	require.NotContains(t, r.Profile+strings.Join(r.Notes, "\n"), "hunter2")
	require.Contains(t, r.Profile, `speed = "2"`)
	require.Contains(t, strings.Join(r.Notes, "\n"), "the setting api_key of worker w (connector simulation has no such setting")
	require.Contains(t, strings.Join(r.Notes, "\n"), "the connector openai of worker other (no agent has it; simulation stands in for it)")
}

// If a pool is in a rollout, the wanted revision is imported.
func TestAPoolThatMoves(t *testing.T) {
	p, diags := profile.Load([]string{"../testdata/gpu.hcl"}, profile.Options{})
	require.False(t, diags.HasErrors())
	pools, _ := compiler.Compile(p)
	job := *pools[0].Job
	old := *job.TaskGroups[0]
	old.Name = new("gpu-00000000")
	policy := pools[0].Policy
	policy.Wanted, policy.Revision = false, "00000000"
	doc, err := policy.Map()
	require.NoError(t, err)
	scaling := *old.Scaling
	scaling.Policy = doc
	old.Scaling = &scaling
	job.TaskGroups = append(job.TaskGroups[:0:0], &old, pools[0].Group())
	r, err := decompile.Profile(&job, decompile.Options{})
	require.NoError(t, err)
	require.True(t, r.Same)
	_, err = decompile.Profile(&job, decompile.Options{Group: "gpu-0000000"})
	require.ErrorContains(t, err, `has no group "gpu-0000000". Did you mean "gpu-00000000"?`)
}

// What a group of ours says is sensitive is taken out wherever it stands, however it looks.
func TestSensitiveOfOurs(t *testing.T) {
	src := strings.NewReplacer(
		`redis = "redis://user:hunter2-redis@host:6379"`, `redis = "redis://${var.plain}"
    args    = ["-x", var.plain, "-y"]
    command = "/bin/${var.plain}"
    blobs   = "s3://${var.plain}"`,
		`API_KEY = "hunter2-env"`, `NOTE = var.plain`,
		`connector = "simulation"`, `connector = "simulation"
    settings  = { speed = var.speed }`,
		"  worker \"w\" {", `  service "s" {
    command = "/bin/s"
    args    = [upper(var.plain)]
    artifact {
      source  = "https://host/${var.plain}"
      headers = { X-Note = var.plain }
    }
  }
  nomad {
    task "agent" {
      user = var.plain
      meta { note = var.plain }
      template {
        data        = "note ${var.plain}"
        destination = "local/x"
      }
    }
  }
  worker "w" {`,
	).Replace(ours) + `
variable "plain" {
  sensitive = true
  default   = "plainword"
}
variable "speed" {
  type      = number
  sensitive = true
  default   = 31337
}
`
	p, diags := profile.LoadBytes([]byte(src), "p.hcl", profile.Options{})
	require.False(t, diags.HasErrors(), "%s", diags)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), "%s", diags)
	r, err := decompile.Profile(pools[0].Job, decompile.Options{})
	require.NoError(t, err)
	valid(t, r)
	all := strings.ToLower(r.Profile + strings.Join(r.Notes, "\n"))
	require.NotContains(t, all, "plainword")
	require.NotContains(t, all, "31337")
}
