package profile

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const reservedProfile = `
variable "v" { default = "" }
variable "l" {
  type    = list(string)
  default = []
}
environment "X" { default = "" }
machine "m" {
  kind  = "api"
  image = "i"
  resources {
    cpu    = 5
    memory = "64MiB"
  }
  agent {
    redis = "redis://x"
    args  = [%s]
  }
  worker "w" { connector = "simulation" }
%s}
pool "p" {
  machine = machine.m
  size { max = 3 }
}
`

// A text that would be taken for a run-time value, a secret or a hidden value is refused, wherever it comes from and however
// it is written. Other characters of private use arrive.
func TestReservedCharacters(t *testing.T) {
	for _, c := range []struct {
		args, more string
		given      Options
	}{
		{args: `"x\uE000"`},
		{args: `"\uE0FF"`},
		{args: `"\U000F0000"`},
		{args: `"${"\uE000"}"`},
		{args: `"%{ if true }\uE000%{ endif }"`},
		{args: `upper("\uE000")`},
		{args: `jsondecode("\"\\ue000\"")`},
		{args: `jsondecode("\"\\ue0ff\"")`},
		{args: `jsondecode("[{\"a\": \"\\udb80\\udc00\"}]")[0].a`},
		{args: `keys(jsondecode("{\"\\ue000\": 1}"))[0]`},
		{args: `base64decode("7oCA")`},
		{args: `csvdecode("a\n\uE000")[0].a`},
		{args: `try("\uE000", "x")`},
		{args: `file("t")`},
		{args: `templatefile("t", {})`},
		{args: `templatefile("escaped", {})`},
		{args: `var.v`, given: Options{Vars: map[string]string{"v": "a\uE000"}}},
		{args: `var.l[0]`, given: Options{Vars: map[string]string{"l": `["\uE000"]`}}},
		{args: `var.v`, given: Options{VarFiles: []string{"v.vars.hcl"}}},
		{args: `env("X")`, given: Options{Env: func(name string) (string, bool) { return "\uE0FF", name == "X" }}},
		{args: `var.v`, given: Options{Env: func(name string) (string, bool) { return "\uE0FF", name == VarEnvPrefix+"v" }}},
		{more: "env = { A = \"\\uE000\" }\n"},
		{more: "nomad {\ngroup {\nmeta = { \"\\uE000\" = \"x\" }\n}\n}\n"},
		{more: "nomad {\ngroup {\nblock \"\\uE000\" {}\n}\n}\n"},
	} {
		c.given.FS = fstest.MapFS{
			"p.hcl": {Data: fmt.Appendf(nil, reservedProfile, c.args, c.more)}, "t": {Data: []byte("\uE001")}, "escaped": {Data: []byte(`${"\uE001"}`)},
			"v.vars.hcl": {Data: []byte(`v = "\uE000"`)},
		}
		p, diags := Load([]string{"p.hcl"}, c.given)
		require.True(t, diags.HasErrors(), "%s%s is taken: %q", c.args, c.more, p)
		require.Len(t, diags.Errs(), 1, "%s%s", c.args, c.more)
		require.Contains(t, said(t, p, diags), "private use", "%s%s", c.args, c.more)
	}
	other := "\uE009\uE0FE\uE100\uF8FF\U00100000"
	p, diags := LoadBytes(fmt.Appendf(nil, reservedProfile, `var.v, "\uE100", jsondecode("\"\\ue100\"")`, ""), "p.hcl", Options{Vars: map[string]string{"v": other}})
	require.False(t, diags.HasErrors(), diags)
	require.Equal(t, []string{other, "\uE100", "\uE100"}, p.Pools[0].Machine.Agent.Args)
}
