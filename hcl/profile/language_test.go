package profile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
)

// The defaults that the grammar tells people are the ones that apply.
func TestDefaultsAsDocumented(t *testing.T) {
	for path, want := range map[string]any{
		"machine.driver": DriverDocker, "machine.start_time": DefaultStartTime, "machine.gpu.device": DefaultDevice,
		"machine.setup.timeout": DefaultSetupTimeout, "machine.agent.command": DefaultAgentCommand, "machine.agent.grace": DefaultGrace,
		"machine.service.ready.path": DefaultReadyPath, "machine.service.ready.interval": DefaultReadyInterval,
		"machine.service.ready.timeout": DefaultReadyTimeout, "pool.priority": DefaultPriority, "pool.scale.target_wait": DefaultTargetWait,
		"pool.scale.up_cooldown": DefaultUpCooldown, "pool.scale.down_cooldown": DefaultDownCooldown, "pool.scale.idle_after": DefaultIdleAfter,
	} {
		b, steps := language(), strings.Split(path, ".")
		for _, step := range steps[:len(steps)-1] {
			b = b.child(step)
			require.NotNil(t, b, path)
		}
		a := b.arg(steps[len(steps)-1])
		require.NotNil(t, a, path)
		if a.typ == typeDuration {
			d, problems := convertDuration(a, cty.StringVal(a.fallback), value{})
			require.Empty(t, problems, path)
			require.Equal(t, want, d, path)
			continue
		}
		require.Equal(t, fmt.Sprint(want), a.fallback, path)
	}
}

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
