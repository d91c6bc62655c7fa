package compiler

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/profile"
)

// compileOne compiles a pool and returns its revision and its job's bytes.
func compileOne(t require.TestingT, pool *profile.Pool) (*Pool, string) {
	pools, diags := Compile(&profile.Profile{Pools: []*profile.Pool{pool}})
	require.False(t, diags.HasErrors(), "%s", diags)
	b, err := json.Marshal(pools[0].Job)
	require.NoError(t, err)
	return pools[0], string(b)
}

// poolOf draws a pool that the loader would accept.
func poolOf(t *rapid.T) *profile.Pool {
	text := rapid.StringMatching(`[a-z$%{} ./"<>A-Z_]{0,12}`)
	texts := rapid.SliceOfN(text, 0, 4)
	env := rapid.MapOfN(rapid.StringMatching(`[A-Z]{1,6}`), text, 0, 4)
	m := &profile.Machine{
		Name: "m", Kind: profile.KindGPU,
		Driver:    rapid.SampledFrom([]profile.Driver{profile.DriverDocker, profile.DriverExec, profile.DriverRawExec}).Draw(t, "driver"),
		Image:     "image:1",
		Resources: profile.Resources{CPU: rapid.IntRange(2000, 9000).Draw(t, "cpu"), Memory: rapid.Int64Range(1, 64).Draw(t, "memory") << 30},
		GPU:       &profile.GPU{Count: rapid.IntRange(1, 4).Draw(t, "gpus")},
		Env:       env.Draw(t, "env"),
		StartTime: time.Minute,
		Agent:     profile.Agent{Redis: "redis://r", Blobs: "file:///b", Grace: 10 * time.Second, Env: env.Draw(t, "agent env")},
		Services: []*profile.Service{{
			Name: "comfyui", PerGPU: rapid.Bool().Draw(t, "per gpu"), Command: "/bin/c", Args: texts.Draw(t, "args"), Port: "http", Env: env.Draw(t, "service env"),
		}},
		Workers: []*profile.Worker{{Name: "w", Connector: "comfyui", Service: "comfyui", Concurrency: 1, Offer: capability.Offer{Flags: []string{"cuda"}}}},
	}
	return &profile.Pool{Name: "p", Machine: m, Min: 0, Max: 5}
}

// TestDeterministic: the same profile gives the same bytes.
func TestDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := poolOf(t)
		_, first := compileOne(t, pool)
		for range 3 {
			_, again := compileOne(t, pool)
			require.Equal(t, first, again)
		}
	})
}

// TestRevision: size and policy never change it, everything else does.
func TestRevision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := poolOf(t)
		before, _ := compileOne(t, pool)

		settings := *pool
		settings.Min, settings.Max = rapid.IntRange(0, 5).Draw(t, "min"), rapid.IntRange(5, 50).Draw(t, "max")
		settings.Priority = rapid.IntRange(1, 100).Draw(t, "priority")
		settings.Scale.TargetWait = time.Duration(rapid.IntRange(1, 600).Draw(t, "wait")) * time.Second
		machine := *pool.Machine
		machine.StartTime = time.Duration(rapid.IntRange(1, 600).Draw(t, "start")) * time.Second
		settings.Machine = &machine
		after, _ := compileOne(t, &settings)
		require.Equal(t, before.Revision, after.Revision)

		for name, change := range changes() {
			changed := *pool
			m := *pool.Machine
			agent, service, worker := m.Agent, *m.Services[0], *m.Workers[0]
			m.Agent, m.Services, m.Workers = agent, []*profile.Service{&service}, []*profile.Worker{&worker}
			changed.Machine = &m
			change(&changed)
			after, _ := compileOne(t, &changed)
			require.NotEqual(t, before.Revision, after.Revision, name)
		}
	})
}

// changes are one of each sort, to what poolOf draws.
func changes() map[string]func(*profile.Pool) {
	with := func(m map[string]string) map[string]string { return merged(m, map[string]string{"added": "x"}) }
	return map[string]func(*profile.Pool){
		"image or command": func(p *profile.Pool) { p.Machine.Image += "0"; p.Machine.Services[0].Command += "0" },
		"cpu":              func(p *profile.Pool) { p.Machine.Resources.CPU += 100 },
		"memory":           func(p *profile.Pool) { p.Machine.Resources.Memory += 1 << 30 },
		"disk":             func(p *profile.Pool) { p.Machine.Resources.Disk = 1 << 30 },
		"env":              func(p *profile.Pool) { p.Machine.Env = with(p.Machine.Env) },
		"agent env":        func(p *profile.Pool) { p.Machine.Agent.Env = with(p.Machine.Agent.Env) },
		"service env":      func(p *profile.Pool) { p.Machine.Services[0].Env = with(p.Machine.Services[0].Env) },
		"args":             func(p *profile.Pool) { p.Machine.Services[0].Args = append(p.Machine.Services[0].Args, "x") },
		"grace":            func(p *profile.Pool) { p.Machine.Agent.Grace += time.Second },
		"redis":            func(p *profile.Pool) { p.Machine.Agent.Redis += "0" },
		"port":             func(p *profile.Pool) { p.Machine.Services[0].Port = "" },
		"readiness":        func(p *profile.Pool) { p.Machine.Services[0].Ready = &profile.Ready{Path: "/x"} },
		"setup":            func(p *profile.Pool) { p.Machine.Setup = &profile.Setup{Command: "/bin/true"} },
		"secrets":          func(p *profile.Pool) { p.Machine.Secrets = map[string]profile.Secret{"K": {Path: "p", Key: "k"}} },
		"worker":           func(p *profile.Pool) { p.Machine.Workers[0].Concurrency++ },
		"capability":       func(p *profile.Pool) { p.Machine.Workers[0].Offer.Flags = []string{"other"} },
		"settings":         func(p *profile.Pool) { p.Machine.Workers[0].Settings = map[string]string{"a": "b"} },
		"datacenters":      func(p *profile.Pool) { p.Placement.Datacenters = []string{"dc9"} },
		"node pool":        func(p *profile.Pool) { p.Placement.NodePool = "other" },
		"constraint":       func(p *profile.Pool) { p.Placement.Constraints = []profile.Constraint{{Attribute: "a", Value: "b"}} },
		"spread":           func(p *profile.Pool) { p.Placement.Spread = "node.unique.id" },
	}
}

// TestConfigIsLiteral: whatever text a profile has, Nomad's template evaluation of a driver config gives it back.
func TestConfigIsLiteral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[$%{}a ~]{0,12}`), rapid.StringMatching(`(\$|%|\$\{|%\{|\}|x|é){0,8}`)).Draw(t, "text")
		require.Equal(t, text, template(t, selfer{}.config(text), nil))
	})
	value := selfer{port: "http"}.config("$" + "\uE000" + "${x}")
	require.Equal(t, "$8188${x}", template(t, value, map[string]cty.Value{"NOMAD_PORT_http": cty.StringVal("8188")}))
}

// template evaluates text as a Nomad client does with the strings of a driver config.
func template(t require.TestingT, text string, vars map[string]cty.Value) string {
	expr, diags := hclsyntax.ParseTemplate([]byte(text), "config", hcl.InitialPos)
	require.False(t, diags.HasErrors(), "%q: %s", text, diags)
	v, diags := expr.Value(&hcl.EvalContext{Variables: vars})
	require.False(t, diags.HasErrors(), "%q: %s", text, diags)
	return v.AsString()
}

// TestEnvIsLiteral: the same for environment values, which a regular expression goes over once.
func TestEnvIsLiteral(t *testing.T) {
	known := map[string]string{"a": "VALUE", "NOMAD_META_dollar": "$", "NOMAD_PORT_http": "8188"}
	replace := func(text string) string {
		return envReference.ReplaceAllStringFunc(text, func(ref string) string {
			if v, ok := known[ref[2:len(ref)-1]]; ok {
				return v
			}
			return ref
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(\$|\{|\}|a|\$\{a\}|é){0,8}`).Draw(t, "text")
		out, needsDollar := selfer{}.env(text)
		require.Equal(t, text, replace(out))
		require.Equal(t, out != text, needsDollar)
	})
	out, _ := selfer{port: "http"}.env("${a}$\uE000{a}")
	require.Equal(t, "${a}$8188{a}", replace(out))
}
