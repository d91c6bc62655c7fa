package profile

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each default in the grammar is of its argument's type and within its bounds, and is what applies where a profile leaves
// the argument out.
func TestDefaults(t *testing.T) {
	var check func(path string, b *block)
	check = func(path string, b *block) {
		for i := range b.args {
			a := &b.args[i]
			def := a.def()
			require.False(t, a.fallback != "" && a.unless != "", "%s.%s has two defaults", path, a.name)
			if n, ok := def.(int); ok && a.max != 0 {
				require.LessOrEqual(t, n, a.max, "%s.%s", path, a.name)
				require.GreaterOrEqual(t, n, a.min, "%s.%s", path, a.name)
			}
			if word, ok := def.(string); ok && len(a.oneOf) > 0 {
				require.Contains(t, a.oneOf, word, "%s.%s", path, a.name)
			}
		}
		for _, c := range b.blocks {
			check(path+"."+c.name, c)
		}
	}
	check("profile", language())

	p, diags := LoadBytes([]byte(small), "profile.hcl", Options{})
	require.False(t, diags.HasErrors(), "%s", diags)
	pool := p.Pools[0]
	m := pool.Machine
	require.Equal(t, Default[time.Duration]("machine.service.ready.interval"), m.Services[0].Ready.Interval)
	require.Equal(t, Default[time.Duration]("machine.service.restart.delay"), m.Services[0].Restart.Delay)
	require.Equal(t, Default[int64]("machine.agent.resources.memory"), m.Agent.Resources.Memory)
	require.Equal(t, Default[int64]("machine.logs.file_size"), m.Services[0].Logs.FileSize)
	require.Equal(t, Default[time.Duration]("machine.disconnect.lost_after"), m.Disconnect.LostAfter)
	require.Equal(t, Default[string]("machine.reschedule.delay_kind"), m.Reschedule.DelayKind)
	require.Equal(t, Default[[]string]("pool.placement.datacenters"), pool.Placement.Datacenters)
	require.Equal(t, Default[time.Duration]("pool.scale.idle_after"), pool.Scale.IdleAfter)
	require.Equal(t, Default[int]("pool.priority"), pool.Priority)
}

// small is a profile that leaves out what it can.
const small = `
machine "m" {
  kind  = "api"
  image = "i"
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  agent { redis = "redis://r:6379" }
  service "s" {
    port = "http"
    ready {}
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
`

// Every block and argument is documented, and what is required has no default.
func TestGrammarIsDocumented(t *testing.T) {
	var check func(path string, b *block)
	check = func(path string, b *block) {
		for _, a := range b.args {
			require.NotEmpty(t, a.doc, path+"."+a.name)
			require.False(t, a.required && a.fallback != "", path+"."+a.name)
			require.True(t, strings.HasSuffix(a.doc, "."), path+"."+a.name)
		}
		for _, c := range b.blocks {
			require.NotEmpty(t, c.doc, path+"."+c.name)
			check(path+"."+c.name, c)
		}
	}
	check("profile", language())
}
