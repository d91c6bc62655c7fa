package compiler

import (
	"encoding/json"
	"maps"
	"slices"
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
		Agent:     profile.Agent{Redis: "redis://r", Blobs: "s3://b", Grace: 10 * time.Second, Env: env.Draw(t, "agent env")},
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
		settings.Scale.IdleAfter, settings.Scale.UpCooldown, settings.Scale.DownCooldown = time.Hour, time.Hour, time.Hour
		settings.NomadBlock = &profile.NomadBlock{Job: body("priority", int64(3))}
		after, _ := compileOne(t, &settings)
		require.Equal(t, before.Revision, after.Revision)

		all := changes()
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(all))), 6, 6, rapid.ID).Draw(t, "changes") {
			change := all[name]
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

// body is the content of a nomad block with one argument.
func body(name string, value any) *profile.Body {
	return &profile.Body{Items: []profile.Item{{Name: name, Value: value}}}
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
		"count of GPUs":    func(p *profile.Pool) { gpu(p, func(g *profile.GPU) { g.Count++; p.Machine.Services[0].PerGPU = true }) },
		"model":            func(p *profile.Pool) { perGPU(p, func(g *profile.GPU) { g.Model = "x" }) },
		"models":           func(p *profile.Pool) { perGPU(p, func(g *profile.GPU) { g.Models = []string{"x", "y"} }) },
		"order of models":  func(p *profile.Pool) { perGPU(p, func(g *profile.GPU) { g.Models = []string{"y", "x"} }) },
		"mig":              func(p *profile.Pool) { perGPU(p, func(g *profile.GPU) { g.MIG = "1g.5gb" }) },
		"gpu memory":       func(p *profile.Pool) { perGPU(p, func(g *profile.GPU) { g.Memory = 1 << 34 }) },
		"gpu driver":       func(p *profile.Pool) { perGPU(p, func(g *profile.GPU) { g.Driver = ">= 1" }) },
		"gpu constraint": func(p *profile.Pool) {
			perGPU(p, func(g *profile.GPU) { g.Constraints = []profile.Constraint{{Attribute: "a", Value: "b"}} })
		},
		"gpu affinity": func(p *profile.Pool) {
			perGPU(p, func(g *profile.GPU) { g.Affinities = []profile.Affinity{{Attribute: "a", Value: "b", Weight: 1}} })
		},
		"volume": func(p *profile.Pool) {
			p.Machine.Volumes = []*profile.Volume{{Name: "v", Type: "host", Source: "s", Path: "/v"}}
		},
		"network":        func(p *profile.Pool) { p.Machine.Network.Mode = "bridge" },
		"dns":            func(p *profile.Pool) { p.Machine.Network.DNS = &profile.DNS{Servers: []string{"10.0.0.1"}} },
		"static port":    func(p *profile.Pool) { p.Machine.Services[0].StaticPort = 80 },
		"container port": func(p *profile.Pool) { p.Machine.Services[0].ContainerPort = 80 },
		"artifact": func(p *profile.Pool) {
			p.Machine.Services[0].Artifacts = []*profile.Artifact{{Source: "https://x", Destination: "local/"}}
		},
		"kill timeout":  func(p *profile.Pool) { p.Machine.Services[0].KillTimeout = 21 * time.Second },
		"kill signal":   func(p *profile.Pool) { p.Machine.Services[0].KillSignal = "SIGINT" },
		"restart":       func(p *profile.Pool) { p.Machine.Services[0].Restart = profile.Restart{Attempts: 3} },
		"agent restart": func(p *profile.Pool) { p.Machine.Agent.Restart = profile.Restart{Attempts: 7} },
		"reschedule":    func(p *profile.Pool) { p.Machine.Reschedule = profile.Reschedule{Delay: time.Minute} },
		"disconnect":    func(p *profile.Pool) { p.Machine.Disconnect = profile.Disconnect{StopAfter: time.Minute} },
		"logs":          func(p *profile.Pool) { p.Machine.Logs = profile.Logs{Files: 9, FileSize: 1 << 20} },
		"service logs":  func(p *profile.Pool) { p.Machine.Services[0].Logs = profile.Logs{Files: 9, FileSize: 1 << 20} },
		"affinity": func(p *profile.Pool) {
			p.Placement.Affinities = []profile.Affinity{{Attribute: "a", Value: "b", Weight: 1}}
		},
		"spreads":     func(p *profile.Pool) { p.Placement.Spreads = []profile.Spread{{Attribute: "a", Weight: 1}} },
		"nomad block": func(p *profile.Pool) { p.Machine.NomadBlock = &profile.NomadBlock{Group: body("shutdown_delay", "9s")} },
		"nomad block of a task": func(p *profile.Pool) {
			p.NomadBlock = &profile.NomadBlock{Tasks: []profile.TaskBody{{Name: "agent", Body: body("user", "x")}}}
		},
		"spread": func(p *profile.Pool) { p.Placement.Spread = "node.unique.id" },
	}
}

// gpu changes a copy of the machine's GPUs.
func gpu(p *profile.Pool, change func(*profile.GPU)) {
	g := *p.Machine.GPU
	p.Machine.GPU = &g
	change(&g)
}

// perGPU is gpu for what only shows where a service has the GPUs.
func perGPU(p *profile.Pool, change func(*profile.GPU)) {
	p.Machine.Services[0].PerGPU = true
	gpu(p, change)
}

// Every change alone makes a revision of its own, different from those of all other changes.
func TestRevisionsDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := poolOf(t)
		pool.Machine.Services[0].PerGPU = true
		before, _ := compileOne(t, pool)
		seen := map[string]string{before.Revision: "no change"}
		all := changes()
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(all))), 12, 12, rapid.ID).Draw(t, "changes") {
			change := all[name]
			changed, m := *pool, *pool.Machine
			service, worker := *m.Services[0], *m.Workers[0]
			m.Services, m.Workers, changed.Machine = []*profile.Service{&service}, []*profile.Worker{&worker}, &m
			change(&changed)
			after, _ := compileOne(t, &changed)
			require.NotContains(t, seen, after.Revision, "%s and %s", name, seen[after.Revision])
			seen[after.Revision] = name
		}
	})
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
