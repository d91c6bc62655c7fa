package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster"
)

// canaryText is in every sensitive value of the canary profiles, and nowhere else.
const canaryText = "qzxjk"

// canaryPlaces puts a sensitive value into every place that takes one, with a driver that the cluster lacks.
const canaryPlaces = `
project "canary" {}
variable "from_var" { sensitive = true }
variable "from_file" { sensitive = true }
variable "from_env" { sensitive = true }
variable "from_default" {
  sensitive = true
  default   = "qzxjk-from-default"
}
variable "list" {
  type      = list(string)
  sensitive = true
  default   = ["qzxjk-1", "qzxjk-2"]
}
variable "speed" {
  type      = number
  sensitive = true
  default   = 918273645
}
environment "CANARY" { sensitive = true }
variable "note" { default = "one" }
locals { bearer = "Bearer ${var.from_var}" }
module "library" {
  source = "./library"
  inputs = { token = var.from_default, literal = "qzxjk-literal" }
}
machine "places" {
  kind   = "api"
  driver = "docker"
  image  = "host/${var.from_default}:1"
  env    = { NOTE = var.note, A = var.from_var, B = local.bearer, SECRET = secret("canary/a", "b") }
  resources {
    cpu    = 500
    memory = "512MiB"
  }
  setup {
    command = var.from_file
    args    = ["-a", var.from_env]
    env     = { A = env("CANARY") }
  }
  agent {
    command  = "local/${var.from_var}"
    args     = concat(["-x"], var.list)
    artifact = "https://user:${var.from_env}@host/agent.tgz"
    redis    = "redis://user:${var.from_default}@127.0.0.1:1"
    blobs    = "s3://bucket/${var.from_default}"
    env      = { A = upper(var.from_var), B = jsonencode({ a = var.from_file }) }
  }
  dynamic "service" {
    for_each = ["one"]
    labels   = [service.value]
    content {
      port    = "http"
      image   = "host/${var.from_default}:1"
      command = var.from_var
      args    = ["plain", var.from_default, "--x=${var.from_file}"]
      env     = { A = base64encode(var.from_var) }
      ready { path = "/${var.from_var}" }
      artifact {
        source  = "https://host/${var.from_var}"
        options = { checksum = var.from_file }
        headers = { X-Token = var.from_env }
      }
    }
  }
  worker "w" {
    connector = "simulation"
    settings  = { speed = var.speed + 1 }
  }
  nomad {
    task "agent" {
      meta { token = var.from_var }
    }
    task "one" {
      meta { token = var.from_env }
    }
  }
}
machine "derived" {
  extends = module.library.machine.base
  driver  = "docker"
  image   = "host/image:1"
}
pool "places" {
  machine = machine.places
  size { max = 2 }
}
pool "derived" {
  machine = machine.derived
  size { max = 2 }
}
`

const canaryLibrary = `
variable "token" { sensitive = true }
variable "literal" { sensitive = true }
machine "base" {
  kind = "api"
  resources {
    cpu    = 500
    memory = "512MiB"
  }
  agent {
    redis = "redis://:${var.token}@127.0.0.1:1"
    env   = { A = var.token, B = var.literal, C = "x${var.literal}" }
  }
  worker "w" { connector = "simulation" }
}
`

// canaryRuns is a pool that runs on any cluster.
const canaryRuns = `
project "canary" {}
variable "agent" {}
variable "note_down" {}
variable "from_var" { sensitive = true }
variable "from_file" { sensitive = true }
variable "from_env" { sensitive = true }
variable "fail" {
  sensitive = true
  default   = ""
}
variable "note" { default = "one" }
variable "memory" { default = "512MiB" }
machine "m" {
  kind   = "api"
  driver = "raw_exec"
  env    = { NOTE = var.note, SHARED = var.from_env }
  resources {
    cpu    = 500
    memory = var.memory
  }
  setup {
    command = "/bin/sh"
    args    = ["-c", "true", var.from_file]
    env     = { A = var.from_env }
  }
  agent {
    command = var.agent
    redis   = "redis://user:${var.from_var}@127.0.0.1:1"
    blobs   = "file:///${var.from_file}"
    grace   = "1s"
    env     = { A = var.from_var, B = "Bearer ${var.from_file}", FAIL = var.fail }
    restart {
      attempts = 1
      delay    = "500ms"
    }
  }
  service "s" {
    command = var.note_down
    args    = ["noted", "plain", var.from_var, "--token=${var.from_env}"]
    env     = { STAY = "1", A = var.from_file }
  }
  worker "w" { connector = "simulation" }
  nomad {
    task "agent" {
      meta { token = var.from_env }
    }
  }
}
pool "canary" {
  machine = machine.m
  size {
    min = 1
    max = 2
  }
}
`

// canaryTest runs commands and looks at all that they write.
type canaryTest struct {
	*testing.T

	dir string
	// look is what must not be found: nothing, where the values are ordinary words.
	look string
}

// run is a command that must end so; what it wrote is returned, standard output first.
func (c *canaryTest) run(code int, args ...string) (out, errs string) {
	c.Helper()
	got, out, errs := c.end(args...)
	require.Equal(c, code, got, "machinectl %s\n%s\n%s", strings.Join(args, " "), out, errs)
	return out, errs
}

func (c *canaryTest) end(args ...string) (code int, out, errs string) {
	c.Helper()
	var stdout, stderr bytes.Buffer
	code = run(c.Context(), append([]string{"machinectl"}, args...), streams{in: strings.NewReader(""), out: &stdout, err: &stderr})
	shown := stdout.String()
	if args[0] == "render" && code == 0 {
		shown = "" // what Nomad is to take has its values in it
	}
	c.absent(shown+stderr.String(), "machinectl "+strings.Join(args, " "))
	if jsonAsked(args) && args[0] != "logs" {
		require.True(c, json.Valid(stdout.Bytes()), "machinectl %s\n%s", strings.Join(args, " "), stdout.String())
	}
	return code, stdout.String(), stderr.String()
}

func (c *canaryTest) absent(text, where string) {
	c.Helper()
	low := strings.ToLower(text)
	for _, form := range []string{c.look, "cxp4amst", "918273646"} { // as it is, and as the beginning of base64
		if i := strings.Index(low, form); c.look != "" && i >= 0 {
			c.Errorf("%s shows a sensitive value: …%s…", where, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

func (c *canaryTest) write(name, text string) string {
	c.Helper()
	path := filepath.Join(c.dir, name)
	require.NoError(c, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(c, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// newCanaryTest writes the profiles, and gives the values of the variables in all ways.
func newCanaryTest(t *testing.T, address, value string) (c *canaryTest, given []string) {
	t.Helper()
	c = &canaryTest{T: t, dir: t.TempDir()}
	if strings.Contains(value, canaryText) {
		c.look = canaryText
	}
	for name, program := range map[string]string{"agent": "ready-agent", "note_down": "note-down"} {
		path, err := exec.LookPath(program)
		require.NoError(t, err)
		t.Setenv(varEnvPrefix+name, path)
	}
	for name, value := range map[string]string{"NOMAD_ADDR": address, varEnvPrefix + "from_env": value, "CANARY": value, "HOME": c.dir} {
		t.Setenv(name, value)
	}
	quoted, err := json.Marshal(value)
	require.NoError(t, err)
	text := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(quoted))
	c.write("library/library.hcl", canaryLibrary)
	return c, []string{"-var", "from_var=" + value, "-var-file", c.write("given.vars.hcl", "from_file = "+text+"\n")}
}

const varEnvPrefix = "MACHINECTL_VAR_"

// TestCanary: no command shows a sensitive value, however it ends; nor does a saved plan; and in Nomad it is in tasks alone.
func TestCanary(t *testing.T) {
	address := startCluster(t, devcluster.Options{Embedded: true}).NomadAddr()
	c, given := newCanaryTest(t, address, "qzxjk-\"canary\" {1}\nqzxjk-second ü")
	c.everywhere(given)
	c, given = newCanaryTest(t, address, "qzxjk-canary")
	c.wrong(given)
	c.running(given, "canary")
}

// TestCanaryWords: sensitive values that are words of ours, or signs of JSON, break no document.
func TestCanaryWords(t *testing.T) {
	address := startCluster(t, devcluster.Options{Embedded: true}).NomadAddr()
	var want map[string]string
	for _, value := range []string{"an ordinary value", "true", "e", "{\" ü\n0"} {
		t.Run(value, func(t *testing.T) {
			c, given := newCanaryTest(t, address, value)
			got := c.everywhere(given)
			if want == nil {
				want = got
			}
			require.Equal(t, want, got)
		})
	}
}

var changing = regexp.MustCompile(`[0-9a-f]{8}|"(seconds|at|created_at)": [^,}]*|/tmp/[^ "` + "`" + `]*`)

// everywhere runs what needs no machines, and returns the documents.
func (c *canaryTest) everywhere(given []string) map[string]string {
	c.Helper()
	profile := c.write("places.hcl", canaryPlaces)
	documents := map[string]string{}
	with := func(args ...string) []string { return append(append(args[:1:1], given...), args[1:]...) }
	keep := func(code int, args ...string) string {
		out, _ := c.run(code, with(args...)...)
		documents[strings.Join(args, " ")] = out
		return out
	}
	for _, args := range [][]string{{"validate"}, {"validate", "-json"}, {"plan"}, {"plan", "-json"}, {"plan", "-verbose"}, {"plan", "-verbose", "-json"}} {
		keep(0, append(args, profile)...)
	}
	c.run(0, "fmt", "-check", profile)
	c.run(0, "fmt", "-check", "-json", profile)
	c.run(0, with("render", profile)...)
	job, _ := c.run(0, with("render", "-pool", "places", profile)...)
	c.run(0, with("render", "-pool", "places", "-hcl", profile)...)
	rendered := c.write("job.json", job)
	for _, args := range [][]string{{"-file", rendered}, {"-json", "-file", rendered}} {
		documents["import "+args[0]], _ = c.run(0, append([]string{"import"}, args...)...)
	}
	saved := filepath.Join(c.dir, "saved.plan")
	c.run(0, with("plan", "-out", saved, profile)...)
	b, err := os.ReadFile(saved)
	require.NoError(c, err)
	c.absent(string(b), "the saved plan")
	// It can't be opened with other values, or none.
	c.end("apply", saved)
	c.end("apply", "-json", saved)
	c.end(append(append([]string{"apply"}, "-var", "from_var=qzxjk-other", "-var-file", filepath.Join(c.dir, "given.vars.hcl")), saved)...)

	// What differs from another profile, and from other values.
	other := c.write("other.hcl", strings.ReplaceAll(strings.ReplaceAll(canaryPlaces, `"plain"`, `"changed"`), "qzxjk-1", "qzxjk-3"))
	for _, args := range [][]string{{"diff"}, {"diff", "-json"}} {
		keep(0, append(args, profile, other)...)
		keep(0, append(args, other, profile)...)
	}
	out := map[string]string{}
	for name, text := range documents {
		out[strings.ReplaceAll(name, c.dir, "DIR")] = changing.ReplaceAllString(strings.ReplaceAll(text, c.dir, "DIR"), "…")
	}
	return out
}

// wrong runs commands with profiles and values that are refused. All commands load and print them alike, so that validate shows
// each, and the others take turns.
func (c *canaryTest) wrong(given []string) {
	c.Helper()
	profile := c.write("places.hcl", canaryPlaces)
	with := func(args ...string) []string { return append(append(args[:1:1], given...), args[1:]...) }
	turn := 0
	commands := func() []string {
		others := []string{"plan", "apply", "render", "destroy"}
		turn++
		return []string{"validate", others[turn%len(others)]}
	}
	changes := map[string]func(string) string{
		"for_each":   replacing("  machine = machine.places", "  for_each = var.list\n  machine = machine.places"),
		"dynamic":    replacing(`for_each = ["one"]`, `for_each = var.list`),
		"labels":     replacing("labels   = [service.value]", "labels   = [var.from_var]"),
		"shown":      replacing(`cpu    = 500`, `cpu    = var.from_var`),
		"tags":       replacing(`connector = "simulation"`, "connector = \"simulation\"\n    capabilities = [var.from_var]"),
		"function":   replacing(`"-x"`, `tostring(parseint(upper(var.from_var), 10))`),
		"json":       replacing(`"-x"`, `jsondecode("{${var.from_env}").x`),
		"index":      replacing(`"-x"`, `var.list[9]`),
		"connector":  replacing(`var.speed + 1`, `var.from_var`),
		"setting":    replacing(`{ speed = `, `{ (var.from_var) = `),
		"syntax":     replacing(`"-x"`, `"-x`),
		"module":     replacing(`literal = "qzxjk-literal"`, `literal = "qzxjk-literal`),
		"unquoted":   replacing(`literal = "qzxjk-literal"`, `literal = qzxjk-literal`),
		"inputs":     replacing(`inputs = {`, `inputs = [`),
		"default":    replacing(`default   = "qzxjk-from-default"`, `default   = qzxjk-from-default`),
		"type":       replacing("variable \"from_var\" {", "variable \"from_var\" {\n  type = number\n"),
		"validation": replacing("variable \"from_var\" {", "variable \"from_var\" {\n  validation {\n    condition = length(var.from_var) > 999\n    error_message = \"It is ${var.from_var}.\"\n  }\n"),
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		text := changes[name](canaryPlaces)
		require.NotEqual(c, canaryPlaces, text, name)
		wrong := c.write("wrong/"+name+".hcl", text)
		c.write("wrong/library/library.hcl", canaryLibrary)
		for _, command := range commands() {
			code, out, errs := c.end(with(command, wrong)...)
			require.NotZero(c, code, "%s %s\n%s%s", command, name, out, errs)
			c.end(with(command, "-json", wrong)...)
		}
		c.end("fmt", "-check", wrong)
		c.end("fmt", "-diff", wrong)
		c.end("fmt", "-check", "-json", wrong)
	}
	// Wrong values.
	for _, args := range [][]string{
		{"-var", "from_va=qzxjk-canary"},
		{"-var", "from_var:qzxjk-canary"},
		{"-var", "qzxjk-canary"},
		{"-var", "list=[qzxjk"},
		{"-var", "list=qzxjk"},
		{"-var-file", c.write("wrong.vars.hcl", "from_file = qzxjk\n")},
		{"-var-file", c.write("other.vars.hcl", "qzxjk = \"qzxjk\"\nfrom_file = \"qzxjk\n")},
	} {
		for _, command := range commands() {
			c.end(append(append([]string{command}, args...), profile)...)
			c.end(append(append([]string{command, "-json"}, args...), profile)...)
		}
	}
}

func replacing(old, replacement string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, replacement, 1) }
}

// running goes with a pool from its creation to its end.
func (c *canaryTest) running(given []string, pool string) {
	c.Helper()
	profile := c.write("runs.hcl", canaryRuns)
	with := func(args ...string) []string { return append(append(args[:1:1], given...), args[1:]...) }
	c.run(0, with("apply", "-auto-approve", "-timeout", "60s", profile)...)
	client, err := nomad.NewClient(nomad.DefaultConfig())
	require.NoError(c, err)
	defer client.Close()
	c.inNomad(client, pool)
	c.views(client, pool)

	c.run(0, with("plan", "-verbose", profile)...)
	for _, args := range [][]string{{"-verbose"}, {"-json"}, {"-json", "-verbose"}} {
		c.run(0, append(with(append([]string{"plan"}, args...)...), "-var", "note=two", "-var", "from_var=qzxjk-second", profile)...)
	}
	saved := filepath.Join(c.dir, "running.plan")
	c.run(0, append(with("plan", "-out", saved), "-var", "from_var=qzxjk-second", profile)...)
	b, err := os.ReadFile(saved)
	require.NoError(c, err)
	c.absent(string(b), "the saved plan")
	// It conflicts with what is done meanwhile.
	c.run(0, append(with("apply", "-auto-approve", "-detach", "-json"), "-var", "from_var=qzxjk-third", profile)...)
	c.run(5, append(with("apply"), "-var", "from_var=qzxjk-second", saved)...)
	c.run(5, append(with("apply", "-json"), "-var", "from_var=qzxjk-second", saved)...)
	c.run(0, append(with("plan", "-out", saved), "-var", "from_var=qzxjk-second", profile)...)
	c.run(0, append(with("apply", "-detach"), "-var", "from_var=qzxjk-second", saved)...)
	c.run(0, "rollback", "-auto-approve", "-detach", "-verbose", pool)
	c.run(0, "rollback", "-auto-approve", "-detach", "-json", "-verbose", pool)
	c.views(client, pool)
	c.run(0, "destroy", "-auto-approve", "-purge", pool)

	// It doesn't fit; it crashes, with the value as its last words; its program isn't there; Nomad refuses it.
	for _, wrong := range [][]string{
		{"-timeout", "2s", "-var", "memory=8000GiB"},
		{"-timeout", "2s", "-json", "-var", "memory=8000GiB"},
		{"-timeout", "60s", "-var", "fail=qzxjk-canary"},
		{"-timeout", "60s", "-json", "-var", "fail=one\nqzxjk-second\nthree"},
		{"-timeout", "60s", "-var", "agent=/nowhere/qzxjk"},
	} {
		if wrong[len(wrong)-1] == "agent=/nowhere/qzxjk" { // which then is sensitive
			profile = c.write("program.hcl", strings.Replace(canaryRuns, `variable "agent" {}`, `variable "agent" { sensitive = true }`, 1))
		}
		c.run(6, append(with(append([]string{"apply", "-auto-approve"}, wrong...)...), profile)...)
		c.views(client, pool)
		c.inNomad(client, pool)
		c.run(0, "destroy", "-auto-approve", "-purge", pool)
	}
}

// views are the commands that show what there is.
func (c *canaryTest) views(client *nomad.Client, pool string) {
	c.Helper()
	for _, command := range []string{"status", "machines", "pools"} {
		c.end(command)
		c.end(command, "-json")
		c.end(command, pool)
		c.end(command, "-json", pool)
	}
	c.run(0, "import", pool)
	c.run(0, "import", "-json", pool)
	allocs, _, err := client.Jobs().Allocations(pool, true, nil)
	require.NoError(c, err)
	for _, alloc := range allocs {
		for _, task := range []string{"agent", "s", "shared-setup", "setup"} {
			for _, flags := range [][]string{nil, {"-json"}, {"-tail", "0"}, {"-tail", "10"}, {"-stdout"}} {
				c.end(append(append([]string{"logs"}, flags...), alloc.ID[:8], task)...)
			}
		}
	}
}

// inNomad looks at what Nomad has of a pool: the values are in its tasks, and in the places there that the policy names.
func (c *canaryTest) inNomad(client *nomad.Client, pool string) {
	c.Helper()
	job, _, err := client.Jobs().Info(pool, nil)
	require.NoError(c, err)
	places := regexp.MustCompile(`^\.TaskGroups\.\d+\.Tasks\.\d+\.(Env|Config|Templates|Artifacts|Meta)\.`)
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, item := range v {
				c.absent(key, "a name in Nomad's job at "+at)
				walk(at+"."+key, item)
			}
		case []any:
			for i, item := range v {
				walk(fmt.Sprintf("%s.%d", at, i), item)
			}
		case string:
			if !places.MatchString(at) {
				c.absent(v, "Nomad's job at "+at)
			}
		}
	}
	walk("", decodedAs[any](c, job))
	for what, doc := range map[string]func() (any, error){
		"the list of jobs":   func() (any, error) { list, _, err := client.Jobs().List(nil); return list, err },
		"evaluations":        func() (any, error) { list, _, err := client.Jobs().Evaluations(pool, nil); return list, err },
		"deployments":        func() (any, error) { list, _, err := client.Jobs().Deployments(pool, true, nil); return list, err },
		"the scaling status": func() (any, error) { list, _, err := client.Jobs().ScaleStatus(pool, nil); return list, err },
		"services":           func() (any, error) { list, _, err := client.Services().List(nil); return list, err },
		"scaling policies":   func() (any, error) { list, _, err := client.Scaling().ListPolicies(nil); return list, err },
	} {
		list, err := doc()
		require.NoError(c, err, what)
		b, err := json.Marshal(list)
		require.NoError(c, err)
		c.absent(string(b), what)
	}
}

func decodedAs[T any](t require.TestingT, doc any) (out T) {
	b, err := json.Marshal(doc)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}
