package decompile_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/decompile"
	"github.com/emprops/machinectl/hcl/profile"
)

// TestEveryArgument walks the grammar: each argument of machines and pools is in a profile in testdata/every, affects
// the compiled job, and is restored by decompiling.
func TestEveryArgument(t *testing.T) {
	files, err := filepath.Glob("testdata/every/*.hcl")
	require.NoError(t, err)
	written := map[string]bool{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		whole := compiledFrom(t, string(src))
		require.NotEmpty(t, whole.json, "%s: %s", file, whole.problem)
		restored := restored(t, whole.pools)
		for _, a := range argumentsIn(t, src) {
			written[a.path] = true
			t.Run(a.path, func(t *testing.T) {
				without := compiledFrom(t, a.without(src))
				require.False(t, whole.json == without.json, "the compiler does not read it: nothing changes when it is left out")
				comesBack := cmp.Or(sameAs()[a.path], a.path)
				require.True(t, restored[comesBack], "the decompiler does not write %s", comesBack)
			})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(arguments(t))) {
		require.True(t, written[path], "no profile in testdata/every has %s", path)
	}
}

// sameAs maps shorthand arguments to the arguments that are restored in their place.
func sameAs() map[string]string {
	return map[string]string{"machine.env": "machine.service.env", "pool.placement.spread": "pool.placement.spread.attribute"}
}

// arguments returns the paths of all arguments of machines and pools, such as machine.service.ready.interval, from the
// schema that is generated from the grammar. It leaves out for_each and extends, because evaluation resolves them.
func arguments(t *testing.T) map[string]bool {
	var root map[string]any
	require.NoError(t, json.Unmarshal(profile.Schema(), &root))
	out := map[string]bool{}
	var walk func(path string, s map[string]any)
	walk = func(path string, s map[string]any) {
		for _, inner := range []string{"additionalProperties", "items"} {
			if one, ok := s[inner].(map[string]any); ok && one["properties"] != nil {
				walk(path, one)
			}
		}
		if list, ok := s["anyOf"].([]any); ok {
			for _, one := range list {
				walk(path, one.(map[string]any))
			}
		}
		properties, block := s["properties"].(map[string]any)
		if !block {
			if kind, _ := s["type"].(string); kind != "" && s["properties"] == nil && s["items"] == nil && s["additionalProperties"] == nil || isValue(s) {
				out[path] = true
			}
			return
		}
		for name, one := range properties {
			if !slices.Contains([]string{"for_each", "extends", "nomad", "override"}, name) {
				walk(path+"."+name, one.(map[string]any))
			}
		}
	}
	top := root["properties"].(map[string]any)
	for _, name := range []string{"machine", "pool"} {
		walk(name, top[name].(map[string]any))
	}
	return out
}

// isValue reports whether a schema is that of an argument rather than of a block.
func isValue(s map[string]any) bool {
	if items, ok := s["items"].(map[string]any); ok {
		return items["properties"] == nil
	}
	if items, ok := s["additionalProperties"].(map[string]any); ok {
		return items["properties"] == nil
	}
	return false
}

// writtenArgument is an argument with its place in a profile.
type writtenArgument struct {
	path string
	at   hcl.Range
}

// without returns the profile with the argument replaced by blanks.
func (a writtenArgument) without(src []byte) string {
	out := slices.Clone(src)
	for i := a.at.Start.Byte; i < a.at.End.Byte; i++ {
		if out[i] != '\n' {
			out[i] = ' '
		}
	}
	return string(out)
}

func argumentsIn(t require.TestingT, src []byte) []writtenArgument {
	f, diags := hclsyntax.ParseConfig(src, "profile.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors(), "%s", diags)
	var out []writtenArgument
	var walk func(path string, b *hclsyntax.Body)
	walk = func(path string, b *hclsyntax.Body) {
		for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
			out = append(out, writtenArgument{path: path + "." + name, at: b.Attributes[name].Range()})
		}
		for _, inner := range b.Blocks {
			walk(strings.TrimPrefix(path+"."+inner.Type, "."), inner.Body)
		}
	}
	walk("", f.Body.(*hclsyntax.Body))
	return slices.DeleteFunc(out, func(a writtenArgument) bool {
		return !strings.HasPrefix(a.path, "machine.") && !strings.HasPrefix(a.path, "pool.")
	})
}

// compiled is the result of compiling a profile. If that fails, json is empty and problem is set.
type compiled struct {
	pools         []*compiler.Pool
	json, problem string
}

func compiledFrom(t *testing.T, src string) compiled {
	p, diags := profile.LoadBytes([]byte(src), "profile.hcl", profile.Options{})
	if diags.HasErrors() {
		return compiled{problem: diags.Error()}
	}
	pools, diags := compiler.Compile(p)
	if diags.HasErrors() {
		return compiled{problem: diags.Error()}
	}
	var text strings.Builder
	for _, pool := range pools {
		b, err := json.Marshal(pool.Job)
		require.NoError(t, err)
		text.Write(b)
	}
	return compiled{pools: pools, json: text.String()}
}

// restored decompiles the pools and returns the paths of the arguments in the resulting profiles. Each profile compiles
// to the revision that it came from, without a nomad block.
func restored(t *testing.T, pools []*compiler.Pool) map[string]bool {
	out := map[string]bool{}
	for _, pool := range pools {
		r, err := decompile.Profile(pool.Job, decompile.Options{})
		require.NoError(t, err)
		require.True(t, r.Same, "%s", r.Profile)
		require.Empty(t, r.Notes, "%s", r.Profile)
		require.NotContains(t, r.Profile, "nomad {", "an argument of the language came back in Nomad's syntax")
		for _, a := range argumentsIn(t, []byte(r.Profile)) {
			out[a.path] = true
		}
	}
	return out
}
