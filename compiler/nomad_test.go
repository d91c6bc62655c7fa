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
