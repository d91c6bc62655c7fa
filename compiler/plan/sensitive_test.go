package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/profile"
)

const sensitiveProfile = `
variable "v" { sensitive = %t }
variable "note" {}
machine "m" {
  kind  = "api"
  image = "image:1"
  env   = { NOTE = var.note, AGENT = "agent", EMPTY = "" }
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent {
    redis = "redis://127.0.0.1:1"
    args  = ["-a", var.v, "-b"]
    env   = { TOKEN = var.v, LINE = "Bearer ${var.v}", JSON = jsonencode({ a = var.v }) }
  }
  service "s" {
    args = [upper(var.v)]
    artifact {
      source  = "https://host/x"
      headers = { X-Token = "${var.v}-x" }
    }
  }
  nomad {
    task "agent" {
      meta { token = "${var.v}" }
    }
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 3 }
}
`

func compiledWith(t require.TestingT, value, note string, sensitive bool) []*compiler.Pool {
	p, diags := profile.LoadBytes([]byte(fmt.Sprintf(sensitiveProfile, sensitive)), "p.hcl", profile.Options{Vars: map[string]string{"v": value, "note": note}})
	require.False(t, diags.HasErrors(), "%s", diags)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), "%s", diags)
	return pools
}

// values are sensitive texts that are hard to hide by looking for them: of JSON, single letters, words of ours, nothing.
func values() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "e", "0", "1", "true", "null", "agent", "{", "}", `"`, `\`, ",", ":", "[", "(sensitive)", "name", "Tasks", "NOTE", `{"a": 1}`, "\n", "${x}", "Bearer", "\uf1d0"}),
		rapid.StringMatching(`[a-z0-9{}":,\\ ]{0,5}`), rapid.StringN(0, 20, 60).Filter(func(s string) bool {
			_, diags := profile.LoadBytes([]byte(`variable "v" {}`), "p.hcl", profile.Options{Vars: map[string]string{"v": s}})
			return !diags.HasErrors() && !strings.ContainsFunc(s, func(r rune) bool { return r >= 0xE000 && r < 0xF900 || r >= 0xF0000 || r == 0 || r == 0xFFFD })
		}),
	)
}

// shape is a document with every text replaced by its kind.
func shape(t require.TestingT, b []byte) any {
	var doc any
	require.NoError(t, json.Unmarshal(b, &doc), "%s", b)
	var of func(any) any
	of = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = of(v[k])
			}
			return v
		case []any:
			for i := range v {
				v[i] = of(v[i])
			}
			return v
		case string:
			return "text"
		default:
			return v
		}
	}
	return of(doc)
}

// Whatever a sensitive value is: the plan is JSON of the same shape as without it, and shows the value at none of its places.
func TestSensitiveValuesInPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := values().Draw(t, "before"), values().Draw(t, "after")
		hidden := Compare(compiledWith(t, before, "one", true), compiledWith(t, after, "two", true))
		open := Compare(compiledWith(t, before, "one", false), compiledWith(t, after, "two", false))
		require.Len(t, hidden.Pools[0].Changes, len(open.Pools[0].Changes))
		noted := false
		for i, c := range hidden.Pools[0].Changes {
			was := open.Pools[0].Changes[i]
			require.Equal(t, was.What, c.What)
			if strings.HasSuffix(c.What, "env NOTE") {
				require.Equal(t, was, c)
				noted = true
				continue
			}
			if strings.HasSuffix(c.What, "meta dollar") {
				continue // tells that a text of the task has a dollar in it
			}
			for _, side := range []string{c.Before, c.After} {
				require.Contains(t, []string{"", masked}, side, c.What)
			}
		}
		require.True(t, noted)
		b, err := json.Marshal(hidden)
		require.NoError(t, err)
		open2, err := json.Marshal(open)
		require.NoError(t, err)
		require.Equal(t, shape(t, open2), shape(t, b))
	})
}

// A saved plan holds none of the values, and is what was planned once they are given again; with others it is refused.
func TestSensitiveValuesInSavedPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := values().Draw(t, "value")
		pools := compiledWith(t, value, "x", true)
		saved, err := Save(Compare(nil, pools), pools, []string{"/p.hcl"}, time.Now())
		require.NoError(t, err)
		// What is in it doesn't depend on the value, but for the revision, which is a hash.
		other := compiledWith(t, "another value", "x", true)
		elsewhere, err := Save(Compare(nil, other), other, []string{"/p.hcl"}, time.Now())
		require.NoError(t, err)
		plain := func(b []byte, revision string) any {
			var doc map[string]any
			require.NoError(t, json.Unmarshal(b, &doc))
			delete(doc, "digest")
			delete(doc, "at")
			text, err := json.Marshal(doc)
			require.NoError(t, err)
			return strings.ReplaceAll(string(text), revision, "REVISION")
		}
		if !strings.Contains(value, "$") { // for which the task may have a dollar in its meta
			require.Equal(t, plain(elsewhere, other[0].Revision), plain(saved, pools[0].Revision))
		}

		again := func([]string) ([]*compiler.Pool, error) { return compiledWith(t, value, "x", true), nil }
		_, opened, err := Open(saved, again)
		require.NoError(t, err)
		want, err := json.Marshal(pools[0].Job)
		require.NoError(t, err)
		got, err := json.Marshal(opened[0].Job)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
		if value != "another value" {
			_, _, err = Open(saved, func([]string) ([]*compiler.Pool, error) { return other, nil })
			require.ErrorContains(t, err, "the sensitive values of the profile have changed since the plan was made")
		}
	})
}

// Hiding says nothing of values that stand elsewhere: only what is written from a sensitive one is hidden.
func TestPlacesOfSensitiveValues(t *testing.T) {
	for _, value := range []string{"agent", "e", "", "true"} {
		require.Equal(t, []string{
			"agent: args", "agent: args [1]", "agent: env JSON", "agent: env LINE", "agent: env TOKEN", "agent: meta token", "s: args", "s: args [0]", "s: artifacts getter headers X-Token",
		}, compiledWith(t, value, "x", true)[0].Policy.Sensitive, value)
	}
	require.Empty(t, compiledWith(t, "agent", "x", false)[0].Policy.Sensitive)
}
