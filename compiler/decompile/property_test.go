package decompile_test

import (
	"encoding/json"
	"flag"
	"strings"
	"testing"
	"time"
	"unicode"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/compiler/decompile"
	"github.com/emprops/machinectl/hcl/profile"
)

// texts generates strings with everything that has a meaning in Nomad, HCL or a shell.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "plain", "${NOMAD_PORT_http}", "a${NOMAD_ALLOC_DIR}/b", "$${literal}", "%{if}", "100%", "$", "$${", "${", "${unclosed", "%%{x}", "${attr.cpu.arch}",
			"line\nanother\n", "EOT\nEOTT\n", "tab\t\"quoted\"\\", "${node.unique.name}", "${NOMAD_META_dollar}{X}", "\x00\x01", "é🙂", "\uE000", "\uE0FF x", "\uF1D0\U00100000", "${NOMAD_PORT_http}\uE000", "\U000F0000", "${1+1}", "${\"$\"}",
		}),
		rapid.String(),
	)
}

func maybe[T any](t *rapid.T, label string, g *rapid.Generator[T]) *T {
	if rapid.Bool().Draw(t, label+"?") {
		return nil
	}
	v := g.Draw(t, label)
	return &v
}

func names() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"web", "Web_1", "agent", "shared-setup", "9lives", "a-very-long-name-which-is-far-beyond-the-limit", "-", "é"}), rapid.StringMatching(`[a-zA-Z0-9_-]{1,30}`))
}

// secretText must never appear in a result.
const secretText = "hunter2-S3CRET"

func drawEnv(t *rapid.T) map[string]string {
	env := rapid.MapOfN(rapid.OneOf(rapid.StringMatching(`[A-Z_][A-Z0-9_]{0,8}`), rapid.SampledFrom([]string{"a.b", "NOMAD_X", "é"})), texts(), 0, 4).Draw(t, "env")
	for _, name := range []string{"DB_PASSWORD", "api-key", "HF_TOKEN"} {
		if rapid.IntRange(0, 2).Draw(t, name) == 0 {
			env[name] = secretText
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "url") == 0 {
		env["URL"] = "redis://user:" + secretText + "@host"
	}
	return env
}

func drawTask(t *rapid.T, name string, ports []string) *nomad.Task {
	driver := rapid.SampledFrom([]string{"docker", "exec", "raw_exec", "java", "podman"}).Draw(t, "driver")
	config := map[string]any{}
	if driver == "docker" || driver == "podman" {
		config["image"] = rapid.SampledFrom([]string{"registry.example/a:1", "b", "c@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}).Draw(t, "image")
		config["ports"] = rapid.SliceOfN(rapid.SampledFrom(append(ports, "none")), 0, 2).Draw(t, "ports")
		if rapid.Bool().Draw(t, "entrypoint") {
			config["entrypoint"] = rapid.SliceOfN(texts(), 0, 2).Draw(t, "entry")
		}
		config["auth"] = []map[string]any{{"password": secretText}}
	}
	if rapid.Bool().Draw(t, "command?") || driver == "exec" || driver == "raw_exec" {
		config["command"] = rapid.SampledFrom([]string{"/bin/true", "${NOMAD_TASK_DIR}/run", "x y"}).Draw(t, "command")
	}
	config["args"] = rapid.SliceOfN(texts(), 0, 4).Draw(t, "args")
	if rapid.Bool().Draw(t, "flag") {
		config["args"] = []string{"--password", secretText, "--token=" + secretText}
	}
	task := nomad.NewTask(name, driver)
	task.Config, task.Env = config, drawEnv(t)
	task.User = rapid.SampledFrom([]string{"", "nobody"}).Draw(t, "user")
	task.KillTimeout = maybe(t, "kill", rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.IntRange(0, 90).Draw(t, "s")) * time.Second }))
	task.KillSignal = rapid.SampledFrom([]string{"", "SIGINT", "SIGWINCH"}).Draw(t, "signal")
	task.Resources = &nomad.Resources{
		CPU: maybe(t, "cpu", rapid.IntRange(1, 9000)), MemoryMB: maybe(t, "memory", rapid.IntRange(1, 90000)), MemoryMaxMB: maybe(t, "max", rapid.IntRange(1, 90000)),
	}
	if rapid.IntRange(0, 3).Draw(t, "cores?") == 0 {
		task.Resources.Cores, task.Resources.CPU = new(rapid.IntRange(1, 8).Draw(t, "cores")), nil
	}
	for range rapid.IntRange(0, 2).Draw(t, "devices") {
		task.Resources.Devices = append(task.Resources.Devices, &nomad.RequestedDevice{
			Name: rapid.SampledFrom([]string{"nvidia/gpu", "gpu", "intel/fpga", "nvidia/gpu/Tesla V100"}).Draw(t, "device"), Count: new(uint64(rapid.IntRange(1, 2).Draw(t, "count"))),
			Constraints: drawConstraints(t, "${device.model}", "${device.attr.memory}", "${device.attr.driver_version}"),
		})
	}
	if rapid.IntRange(0, 2).Draw(t, "lifecycle") == 0 {
		task.Lifecycle = &nomad.TaskLifecycle{Hook: rapid.SampledFrom([]string{"prestart", "poststart", "poststop"}).Draw(t, "hook"), Sidecar: rapid.Bool().Draw(t, "sidecar")}
	}
	for range rapid.IntRange(0, 2).Draw(t, "templates") {
		task.Templates = append(task.Templates, &nomad.Template{
			EmbeddedTmpl: new(rapid.OneOf(texts(), rapid.Just("password = "+secretText)).Draw(t, "data")), DestPath: new(rapid.SampledFrom([]string{"local/x", "secrets/y"}).Draw(t, "to")),
			Envvars: maybe(t, "envvars", rapid.Bool()), ChangeMode: maybe(t, "change", rapid.SampledFrom([]string{"noop", "restart"})),
		})
	}
	if rapid.Bool().Draw(t, "artifact") {
		task.Artifacts = []*nomad.TaskArtifact{{
			GetterSource: new(rapid.SampledFrom([]string{"https://x.example/a.tgz", "https://u:" + secretText + "@x.example/a", "${NOMAD_META_x}"}).Draw(t, "source")),
			RelativeDest: maybe(t, "dest", rapid.SampledFrom([]string{"local/a", "/abs", "../up", "${NOMAD_ALLOC_DIR}/x"})), GetterHeaders: map[string]string{"Authorization": secretText},
		}}
	}
	if rapid.Bool().Draw(t, "restart") {
		task.RestartPolicy = &nomad.RestartPolicy{
			Attempts: maybe(t, "attempts", rapid.IntRange(0, 50)), Interval: maybe(t, "interval", rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, time.Hour})),
			Delay: maybe(t, "delay", rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute})), Mode: maybe(t, "mode", rapid.SampledFrom([]string{"fail", "delay"})),
		}
	}
	if rapid.Bool().Draw(t, "service") {
		task.Services = []*nomad.Service{drawService(t, ports)}
	}
	if rapid.Bool().Draw(t, "mount") {
		task.VolumeMounts = []*nomad.VolumeMount{{Volume: new("data"), Destination: new(rapid.SampledFrom([]string{"/data", "data"}).Draw(t, "path"))}}
	}
	if rapid.Bool().Draw(t, "meta") {
		task.Meta = map[string]string{"a.b": "c", "token": secretText}
	}
	return task
}

func drawService(t *rapid.T, ports []string) *nomad.Service {
	s := &nomad.Service{
		Name: rapid.SampledFrom([]string{"", "web"}).Draw(t, "name"), PortLabel: rapid.SampledFrom(append(ports, "", "8080")).Draw(t, "port"),
		Provider: rapid.SampledFrom([]string{"", "nomad", "consul"}).Draw(t, "provider"), Tags: []string{"a", "password=" + secretText},
	}
	if rapid.Bool().Draw(t, "check") {
		s.Checks = []nomad.ServiceCheck{{
			Type: rapid.SampledFrom([]string{"http", "tcp", "script"}).Draw(t, "type"), Path: rapid.SampledFrom([]string{"/", "/health", "x", "/${NOMAD_ALLOC_ID}"}).Draw(t, "path"),
			Interval: rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Minute}).Draw(t, "every"), Timeout: time.Second,
		}}
	}
	return s
}

func drawConstraints(t *rapid.T, attributes ...string) (list []*nomad.Constraint) {
	for range rapid.IntRange(0, 2).Draw(t, "constraints") {
		list = append(list, nomad.NewConstraint(
			rapid.SampledFrom(append(attributes, "", "${meta.rack}", "literal")).Draw(t, "left"),
			rapid.SampledFrom([]string{"", "=", "!=", "is", "regexp", "version", "is_set", "distinct_hosts", "distinct_property", "odd"}).Draw(t, "operand"),
			rapid.SampledFrom([]string{"", "x", ">= 1", "22080 MiB", "22609 MiB"}).Draw(t, "right")))
	}
	return list
}

func drawJob(t *rapid.T) *nomad.Job {
	j := nomad.NewServiceJob(rapid.OneOf(names(), texts()).Filter(func(s string) bool { return s != "" }).Draw(t, "id"), "n", "global", rapid.IntRange(1, 100).Draw(t, "priority"))
	j.Constraints = drawConstraints(t, "${node.class}")
	j.Meta = map[string]string{"secret": secretText}
	for range rapid.IntRange(1, 2).Draw(t, "groups") {
		g := nomad.NewTaskGroup(names().Draw(t, "group"), rapid.IntRange(0, 5).Draw(t, "count"))
		ports := []string{"http", "Admin-1"}
		n := &nomad.NetworkResource{Mode: rapid.SampledFrom([]string{"", "host", "bridge", "none", "cni/x"}).Draw(t, "mode")}
		for i, p := range ports {
			port := nomad.Port{Label: p, To: rapid.SampledFrom([]int{0, -1, 80, 80}).Draw(t, "to")}
			if rapid.Bool().Draw(t, "static") {
				port.Value = 8000 + i
				n.ReservedPorts = append(n.ReservedPorts, port)
			} else {
				n.DynamicPorts = append(n.DynamicPorts, port)
			}
		}
		g.Networks = []*nomad.NetworkResource{n}
		g.Constraints = drawConstraints(t, "${attr.kernel.name}")
		g.Volumes = map[string]*nomad.VolumeRequest{"data": {Name: "data", Source: "src", Type: rapid.SampledFrom([]string{"host", "csi"}).Draw(t, "volume"), ReadOnly: true}}
		if rapid.Bool().Draw(t, "scaling") {
			g.Scaling = &nomad.ScalingPolicy{Min: maybe(t, "min", rapid.Int64Range(0, 4)), Max: new(rapid.Int64Range(0, 9).Draw(t, "most"))}
		}
		if rapid.Bool().Draw(t, "reschedule") {
			g.ReschedulePolicy = &nomad.ReschedulePolicy{
				Attempts: maybe(t, "tries", rapid.IntRange(0, 5)), Interval: maybe(t, "within", rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour})),
				Delay: maybe(t, "pause", rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute})), Unlimited: maybe(t, "unlimited", rapid.Bool()),
				MaxDelay: maybe(t, "most pause", rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour})), DelayFunction: maybe(t, "function", rapid.SampledFrom([]string{"constant", "fibonacci"})),
			}
		}
		taken := map[string]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "tasks") {
			if name := names().Draw(t, "task"); !taken[name] {
				taken[name] = true
				g.AddTask(drawTask(t, name, ports))
			}
		}
		if rapid.Bool().Draw(t, "group service") {
			g.Services = []*nomad.Service{drawService(t, ports)}
		}
		j.AddTaskGroup(g)
	}
	return j
}

// TestMain lowers rapid's default of a hundred draws, because each writes, loads and compiles a whole profile.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	m.Run()
}

// TestEveryJobMakesAValidProfile: any job gives a valid profile without the job's secrets.
func TestEveryJobMakesAValidProfile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, err := decompile.Profile(drawJob(t), decompile.Options{})
		require.NoError(t, err)
		pools := valid(t, r)
		require.NotEmpty(t, pools)
		require.NotContains(t, r.Profile, secretText)
		require.NotContains(t, strings.Join(r.Notes, "\n"), secretText)
	})
}

// TestTextsArriveAsTheyAre: a foreign job's process gets the same texts from the pool.
func TestTextsArriveAsTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task := nomad.NewTask("t", "exec")
		args := rapid.SliceOfN(texts(), 1, 4).Draw(t, "args")
		task.Config = map[string]any{"command": "/bin/x", "args": args}
		task.Env = rapid.MapOfN(rapid.StringMatching(`[A-Z][A-Z0-9.]{0,4}`), texts(), 0, 4).Draw(t, "env")
		j := nomad.NewServiceJob("j", "j", "global", 50)
		j.AddTaskGroup(nomad.NewTaskGroup("g", 1).AddTask(task))
		r, err := decompile.Profile(j, decompile.Options{})
		require.NoError(t, err)
		var reserved []string
		for _, note := range r.Notes {
			require.Contains(t, note, "profiles reserve it", "%s", r.Profile)
			reserved = append(reserved, note)
		}
		require.Equal(t, strings.ContainsFunc(plain(t, args)+plain(t, task.Env), profile.Reserved), len(reserved) > 0, "%s", r.Profile)
		if strings.Contains(r.Profile, "change-me") || strings.Contains(r.Profile, "secret(") {
			t.Skip("something looks like a secret")
		}
		got := valid(t, r)[0].Group().Tasks[0]
		require.Equal(t, replaced(plain(t, args)), plain(t, got.Config["args"]))
		for name, value := range task.Env {
			require.Equal(t, replaced(plain(t, value)), plain(t, got.Env[name]), name)
		}
	})
}

// plain formats a value as Nomad's API sends it. HCL's strings are in normal form C.
func plain(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return cty.StringVal(string(b)).AsString()
}

// replaced is a text without the characters that profiles reserve.
func replaced(text string) string {
	return strings.Map(func(r rune) rune {
		if profile.Reserved(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
