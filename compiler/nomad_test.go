package compiler_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/jobfile"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// realNomad starts a Nomad server, without a client, that ends with the test.
func realNomad(t testing.TB) *nomad.Client {
	t.Helper()
	program, err := exec.LookPath("nomad")
	if err != nil {
		t.Skip("skipped: nomad is not on PATH")
	}
	dir := t.TempDir()
	ports := freePorts(t, 3)
	config := fmt.Sprintf(`
data_dir             = %q
bind_addr            = "127.0.0.1"
disable_update_check = true
ports {
  http = %d
  rpc  = %d
  serf = %d
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
server {
  enabled          = true
  bootstrap_expect = 1
}
vault {
  enabled = true
  address = "http://127.0.0.1:1"
  default_identity { aud = ["vault.io"] }
}
`, filepath.Join(dir, "data"), ports[0], ports[1], ports[2])
	file := filepath.Join(dir, "server.hcl")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "agent", "-config", file)
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
	client, err := nomad.NewClient(&nomad.Config{Address: fmt.Sprintf("http://127.0.0.1:%d", ports[0])})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	require.Eventually(t, func() bool {
		leader, err := client.Status().Leader()
		return err == nil && leader != ""
	}, 60*time.Second, 50*time.Millisecond)
	return client
}

func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// profiles are all profiles of the repository that are meant to be applied, with the variables that they are given.
func profiles(t testing.TB) map[string]profile.Options {
	t.Helper()
	out := map[string]profile.Options{}
	for _, pattern := range []string{"testdata/*.hcl", "../examples/*/profiles.hcl", "../hcl/profile/testdata/valid/*.hcl"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			if strings.HasSuffix(file, ".vars.hcl") {
				continue
			}
			opts := profile.Options{}
			if vars := strings.TrimSuffix(file, ".hcl") + ".vars.hcl"; exists(vars) {
				opts.VarFiles = []string{vars}
			}
			out[file] = opts
		}
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestNomadAccepts: a real Nomad finds nothing wrong with any compiled job.
func TestNomadAccepts(t *testing.T) {
	client := realNomad(t)
	options := profiles(t)
	for file, opts := range options {
		accepted(t, client, file, opts)
	}
	accepted(t, client, "../examples/emprops/profiles.hcl", profile.Options{VarFiles: []string{"../examples/emprops/demo.vars.hcl"}})
}

// submitted is a job with what its submitter decides, and with the policy as it is read.
func submitted(job *nomad.Job) *nomad.Job {
	out := *job
	out.Region, out.Namespace = cmp.Or(job.Region, new(nomad.GlobalRegion)), cmp.Or(job.Namespace, new(nomad.DefaultNamespace))
	group := *job.TaskGroups[0]
	scaling := *group.Scaling
	if list, ok := scaling.Policy[manifest.PolicyKey].([]any); ok && len(list) == 1 {
		scaling.Policy = map[string]any{manifest.PolicyKey: list[0]}
	}
	group.Scaling, out.TaskGroups = &scaling, []*nomad.TaskGroup{&group}
	return &out
}

// asText is a job as JSON, without what a job file can't say apart: an empty list and none.
func asText(t *testing.T, job *nomad.Job) string {
	t.Helper()
	b, err := json.Marshal(job)
	require.NoError(t, err)
	var doc any
	require.NoError(t, json.Unmarshal(b, &doc))
	b, err = json.MarshalIndent(said(doc), "", " ")
	require.NoError(t, err)
	return string(b)
}

func said(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, item := range v {
			if item = said(item); item == nil {
				delete(v, name)
			} else {
				v[name] = item
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = said(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	}
	return v
}

func accepted(t *testing.T, client *nomad.Client, file string, opts profile.Options) {
	t.Helper()
	pools, diags := compiler.Compile(load(t, opts, file))
	require.False(t, diags.HasErrors(), "%s", diags)
	for _, pool := range pools {
		if name := pool.Source.Placement.Namespace; name != "" {
			_, err := client.Namespaces().Register(&nomad.Namespace{Name: name}, nil)
			require.NoError(t, err)
		}
		response, _, err := client.Jobs().Validate(pool.Job, nil)
		require.NoError(t, err, file)
		require.Empty(t, strings.TrimSpace(response.Error), "%s: pool %s", file, pool.Name)
		require.Empty(t, response.ValidationErrors, "%s: pool %s", file, pool.Name)

		text := jobfile.Write(pool.Job)
		parsed, err := client.Jobs().ParseHCL(string(text), true)
		require.NoError(t, err, "%s: pool %s\n%s", file, pool.Name, text)
		require.Equal(t, asText(t, submitted(pool.Job)), asText(t, submitted(parsed)), "%s: pool %s", file, pool.Name)
	}
}

// For every operator, in each place that takes constraints or affinities, the language accepts the values that Nomad accepts,
// and no others.
func TestConstraintsAsNomadChecksThem(t *testing.T) {
	client := realNomad(t)
	values := []string{"-", "x", "true", "2", "0", "(", ">= 1.2", ">= 1.2.3", "~> 1.2.3", ">= x", "1.2.3, < 2.0.0", ">= 1.2.3-beta.1"}
	for _, place := range []struct{ path, attribute string }{
		{"pool.placement.constraint", "attr.cpu.arch"},
		{"pool.placement.affinity", "attr.cpu.arch"},
		{"machine.gpu.constraint", "device.model"},
		{"machine.gpu.affinity", "device.model"},
	} {
		for _, operator := range profile.Choices("pool.placement.constraint.operator") {
			for _, value := range values {
				job, written := constrained(t, place.path, place.attribute, operator, value)
				_, diags := profile.LoadBytes([]byte(written), "p.hcl", profile.Options{})
				response, _, err := client.Jobs().Validate(job, nil)
				require.NoError(t, err)
				var problems []string
				for _, d := range diags {
					problems = append(problems, d.Summary)
				}
				if diags.HasErrors() && value == "-" {
					continue // Nomad takes a comparison with nothing, which is always true, for some operators
				}
				if (len(response.ValidationErrors) == 0) == diags.HasErrors() {
					t.Errorf("%s, %s %q\nNomad: %s\nthe language: %s", place.path, operator, value,
						strings.Join(response.ValidationErrors, "; "), strings.Join(problems, "; "))
				}
			}
		}
	}
}

// constrained returns a job with a constraint or affinity, and the profile that asks for the same. The value "-" is none.
func constrained(t *testing.T, path, attribute, operator, value string) (job *nomad.Job, written string) {
	t.Helper()
	kind := path[strings.LastIndex(path, ".")+1:]
	about, compared := "attribute = \""+attribute+"\"\n", "value = \""+value+"\"\n"
	left, right := "${"+attribute+"}", value
	if operator == nomad.ConstraintDistinctHosts && kind == "constraint" {
		about, left = "", ""
	}
	if value == "-" {
		compared, right = "", ""
	}
	const text = `
machine "m" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  gpu {
    %s
  }
  agent { redis = "redis://redis.example:6379" }
  service "s" {
    per  = "gpu"
    port = "http"
  }
  worker "w" {
    connector = "comfyui"
    service   = "s"
  }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
  placement {
    %s
  }
}
`
	p, diags := profile.LoadBytes(fmt.Appendf(nil, text, "", ""), "p.hcl", profile.Options{})
	require.False(t, diags.HasErrors(), "%s", diags)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), "%s", diags)
	job = pools[0].Job
	group := job.TaskGroups[0]
	constraint, affinity := nomad.NewConstraint(left, operator, right), nomad.NewAffinity(left, operator, right, 50)
	block := kind + " {\n" + about + "operator = \"" + operator + "\"\n" + compared + "}\n"
	if strings.HasPrefix(path, "pool.") {
		if kind == "constraint" {
			group.Constraints = append(group.Constraints, constraint)
		} else {
			group.Affinities = append(group.Affinities, affinity)
		}
		return job, fmt.Sprintf(text, "", block)
	}
	for _, task := range group.Tasks {
		for _, device := range task.Resources.Devices {
			if kind == "constraint" {
				device.Constraints = append(device.Constraints, constraint)
			} else {
				device.Affinities = append(device.Affinities, affinity)
			}
		}
	}
	return job, fmt.Sprintf(text, block, "")
}
