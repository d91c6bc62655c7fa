package compiler

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/profile"
)

// placed is a profile of one machine; the parts come in by name.
func placed(driver, machine, agent, service string) string {
	image := ""
	if driver == "docker" {
		image = `image = "registry.example/m:1"`
	}
	return fmt.Sprintf(`
machine "m" {
  kind   = "api"
  driver = %q
  %s
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  %s
  agent {
    %s
  }
  service "s" {
    %s
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
`, driver, image, machine, agent, service)
}

// What a task can see is accepted without a word; testdata/invalid has what it can't.
func TestPlacesThatTasksSee(t *testing.T) {
	const queue = "redis = \"redis://redis.example:6379\"\n"
	const results = "volume \"results\" {\n path = \"/srv/results\"\n read_only = false\n}\n"
	nomadBlock := func(config string) string {
		return "nomad {\n task \"agent\" {\n config {\n" + config + "\n}\n}\n}\n"
	}
	for name, c := range map[string]struct{ driver, machine, agent, service string }{
		"a folder of the host":          {driver: "raw_exec", agent: queue + `blobs = "file:///var/x"`},
		"a socket of the host":          {driver: "raw_exec", agent: `redis = "unix:///run/redis.sock"`},
		"the host's loopback":           {driver: "raw_exec", agent: `redis = "redis://127.0.0.1:6379"`},
		"the host's loopback, chroot":   {driver: "exec", agent: `redis = "redis://127.0.0.1:6379"`, service: `command = "/usr/bin/s"`},
		"a volume, docker":              {driver: "docker", machine: results, agent: queue + `blobs = "file:///srv/results"`},
		"below a volume, docker":        {driver: "docker", machine: results, agent: queue + `blobs = "file:///srv/results/of/mine/"`},
		"below a volume, exec":          {driver: "exec", machine: results, agent: queue + `blobs = "file:///srv/results/a"`, service: `command = "/usr/bin/s"`},
		"within a read-only one":        {driver: "docker", machine: results + `volume "srv" { path = "/srv" }`, agent: queue + `blobs = "file:///srv/results"`},
		"a bind by docker":              {driver: "docker", machine: nomadBlock(`volumes = ["/data/results:/results:rw"]`), agent: queue + `blobs = "file:///results"`},
		"a mount by docker":             {driver: "docker", machine: nomadBlock("mount {\n type = \"bind\"\n source = \"/data\"\n target = \"/results\"\n}"), agent: queue + `blobs = "file:///results"`},
		"a bucket":                      {driver: "docker", agent: queue + `blobs = "s3://bucket"`},
		"a secret":                      {driver: "docker", agent: queue + "blobs = \"file:///var/x\"\nenv = { MACHINE_BLOB_URL = secret(\"p\", \"k\") }"},
		"a variable that wins":          {driver: "docker", agent: queue + "blobs = \"file:///var/x\"\nenv = { MACHINE_BLOB_URL = \"s3://bucket\" }"},
		"the host's network":            {driver: "docker", machine: nomadBlock(`network_mode = "host"`), agent: `redis = "redis://127.0.0.1:6379"`},
		"a service of the same network": {driver: "docker", machine: `network { mode = "bridge" }`, agent: `redis = "redis://127.0.0.1:6379"`, service: "port = \"redis\"\ncontainer_port = 6379"},
		"an artifact":                   {driver: "docker", agent: queue, service: "artifact {\n source = \"https://files.example/x\"\n destination = \"local/x\"\n}"},
		"an artifact beside, chroot":    {driver: "exec", agent: queue, service: "command = \"local/s\"\nartifact {\n source = \"https://files.example/x\"\n destination = \"models\"\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.driver != "docker" && c.service == "" {
				c.service = `command = "/opt/s"`
			}
			p, diags := profile.LoadBytes([]byte(placed(c.driver, c.machine, c.agent, c.service)), "p.hcl", profile.Options{})
			require.Empty(t, diags)
			_, diags = Compile(p)
			require.Empty(t, diags)
		})
	}
}

// A container starts in its image's directory: what is below the task's folders is found at the root.
func TestProgramsInContainers(t *testing.T) {
	for command, want := range map[string]string{
		"local/bin/serve": "/local/bin/serve",
		"./local/serve":   "/local/serve",
		"secrets/serve":   "/secrets/serve",
		"serve":           "serve",
		"local":           "local",
		"bin/serve":       "bin/serve",
		"/usr/bin/serve":  "/usr/bin/serve",
		"./serve":         "./serve",
	} {
		p, diags := profile.LoadBytes([]byte(placed("docker", fmt.Sprintf("setup { command = %q }", command), `redis = "redis://redis.example"`, fmt.Sprintf("command = %q", command))), "p.hcl", profile.Options{})
		require.Empty(t, diags)
		pools, diags := Compile(p)
		require.Empty(t, diags)
		setup, service := pools[0].Group().Tasks[0], pools[0].Group().Tasks[1]
		require.Equal(t, []any{want}, anyTexts(service.Config["entrypoint"]), command)
		args := anyTexts(setup.Config["args"])
		require.Equal(t, want, args[len(args)-1], command)
	}
}

func anyTexts(v any) []any {
	var list []any
	for _, text := range v.([]string) {
		list = append(list, text)
	}
	return list
}
