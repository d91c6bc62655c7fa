package profile_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

const untyped = `
variable "v" { %s }
locals { %s }
machine "m" {
  kind   = "api"
  driver = "raw_exec"
  %s
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  agent {
    redis = "redis://localhost:6379"
    %s
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size {
    max = 9
    %s
  }
}
`

// A variable without a type takes what -var, the environment and files give as it is. Where that is of the wrong type, the advice
// is the variable's type, and it speaks of no quotes that nobody wrote.
func TestVariableOfTheWrongType(t *testing.T) {
	for name, c := range map[string]struct {
		variable, locals, machine, agent, size string
		text                                   string // what is given
		advice, detail                         string
	}{
		"number":                {variable: "default = 0", size: "min = var.v", text: "1", advice: "number", detail: "taken as text"},
		"number, no default":    {variable: "", size: "min = var.v", text: "1", advice: "number", detail: "taken as text"},
		"number, any":           {variable: "type = any", size: "min = var.v", text: "1", advice: "number", detail: "taken as text"},
		"number, by a local":    {variable: "default = 0", locals: "x = var.v", size: "min = local.x", text: "1", advice: "number", detail: "taken as text"},
		"bool":                  {variable: "default = false", machine: "disconnect {\nlost_after = \"1m\"\nreplace = var.v\n}", text: "true", advice: "bool", detail: "taken as text"},
		"list":                  {variable: `default = ["a"]`, agent: "args = var.v", text: `["b"]`, advice: "list(string)", detail: "taken as text"},
		"list, empty":           {variable: `default = []`, agent: "args = var.v", text: `["b"]`, advice: "list(string)", detail: "taken as text"},
		"list, mixed":           {variable: `default = ["a", 1]`, agent: "args = var.v", text: `["b"]`, advice: "list(any)", detail: "taken as text"},
		"map":                   {variable: `default = { A = "b" }`, agent: "env = var.v", text: `{ A = "b" }`, advice: "map(string)", detail: "taken as text"},
		"map, no default":       {variable: "", agent: "env = var.v", text: `{ A = 1 }`, advice: "map(number)", detail: "taken as text"},
		"for_each":              {variable: `default = ["a"]`, machine: "dynamic \"service\" {\nfor_each = var.v\nlabels = [service.value]\ncontent { command = \"/bin/x\" }\n}", text: `["a", "b"]`, advice: "list(string)", detail: "taken as text"},
		"function":              {variable: `default = ["a"]`, agent: `args = [join(",", var.v)]`, text: `["a", "b"]`, advice: "list(string)", detail: "taken as text"},
		"quotes in the default": {variable: `default = "1"`, size: "min = var.v", advice: "number"},
		"declared as string":    {variable: "type = string", size: "min = var.v", text: "1", advice: "number"},
		"declared as number":    {variable: "type = number", agent: "command = var.v", text: "1", advice: "string"},
	} {
		t.Run(name, func(t *testing.T) {
			src := fmt.Sprintf(untyped, c.variable, c.locals, c.machine, c.agent, c.size)
			given := map[string]profile.Options{"": {}}
			if c.text != "" {
				given = map[string]profile.Options{
					"-var v":                   {Vars: map[string]string{"v": c.text}},
					profile.VarEnvPrefix + "v": {Env: func(name string) (string, bool) { return c.text, name == profile.VarEnvPrefix+"v" }},
				}
			}
			for source, opts := range given {
				_, diags := profile.LoadBytes([]byte(src), "p.hcl", opts)
				require.Len(t, diags, 1, "%s: %s", source, diags)
				advice, _ := diags[0].Extra.(diag.Advice)
				require.Equal(t, fmt.Sprintf("Write type = %s in variable %q.", c.advice, "v"), string(advice), diags[0].Error())
				require.Contains(t, diags[0].Detail, c.detail)
				if c.detail != "" {
					require.Contains(t, diags[0].Detail, source)
				}
			}
			if c.detail == "" {
				return
			}
			// with the type that is advised it loads
			_, diags := profile.LoadBytes([]byte(fmt.Sprintf(untyped, "type = "+c.advice, c.locals, c.machine, c.agent, c.size)), "p.hcl", profile.Options{Vars: map[string]string{"v": c.text}})
			require.False(t, diags.HasErrors(), "%s", diags)
		})
	}
}

// What calculates with a list, map, number or bool would accept a text too, with another meaning.
func TestTextForAVariableWithoutAType(t *testing.T) {
	for name, c := range map[string]struct{ variable, size, text, advice string }{
		"length":        {`default = ["a"]`, "min = length(var.v)", `["b"]`, "list(string)"},
		"length, any":   {"\ntype = any\ndefault = [1]\n", "min = length(var.v)", `[2]`, "list(number)"},
		"length, map":   {`default = { a = "b" }`, "min = length(var.v)", `{}`, "map(string)"},
		"length, local": {`default = ["a"]`, "min = length(local.x)", `["b"]`, "list(string)"},
		"for":           {`default = ["a"]`, `min = length([for x in var.v : x])`, `["b"]`, "list(string)"},
		"index":         {`default = [1]`, `min = var.v[0]`, `[1]`, "list(number)"},
		"splat":         {`default = ["a"]`, `min = length(var.v[*])`, `["b", "c"]`, "list(string)"},
		"sum":           {`default = [1]`, `min = sum(var.v)`, `[1]`, "list(number)"},
		"equal":         {`default = 1`, `min = var.v == 1 ? 1 : 0`, `1`, "number"},
		"equal, bool":   {`default = true`, `min = var.v == true ? 1 : 0`, `true`, "bool"},
		"contains":      {`default = 1`, `min = contains([1], var.v) ? 1 : 0`, `1`, "number"},
		"json":          {`default = 1`, `min = jsonencode(var.v) == "1" ? 1 : 0`, `1`, "number"},
		"not used":      {`default = []`, ``, `["b"]`, "list(string)"},
		"sensitive":     {"\nsensitive = true\ndefault = [\"a\"]\n", ``, `["b"]`, "list(string)"},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(variable string) []byte {
				return []byte(fmt.Sprintf(untyped, variable, "x = var.v", "", "", c.size))
			}
			for source, opts := range map[string]profile.Options{
				"-var v":                   {Vars: map[string]string{"v": c.text}},
				profile.VarEnvPrefix + "v": {Env: func(name string) (string, bool) { return c.text, name == profile.VarEnvPrefix+"v" }},
			} {
				_, diags := profile.LoadBytes(of(c.variable), "p.hcl", opts)
				require.Len(t, diags, 1, "%s: %s", source, diags)
				require.Equal(t, diag.Advice(fmt.Sprintf("Write type = %s in variable %q.", c.advice, "v")), diags[0].Extra)
				require.Contains(t, diags[0].Detail, source)
				_, diags = profile.LoadBytes(of("type = "+c.advice), "p.hcl", opts)
				require.Empty(t, diags, "%s: %s", source, diags)
			}
		})
	}
	// Without a default, and with one that is a string or null, the text is a string.
	for _, variable := range []string{``, `default = "x"`, `default = null`} {
		src := fmt.Sprintf(untyped, variable, "", "", "", "min = length(var.v)")
		p, diags := profile.LoadBytes([]byte(src), "p.hcl", profile.Options{Vars: map[string]string{"v": "[1]"}})
		require.Empty(t, diags)
		require.Equal(t, 3, p.Pools[0].Min)
	}
}

// In a file of variables the quotes were written, and the variable's type makes a number of them all the same.
func TestVariableFileOfTheWrongType(t *testing.T) {
	src := fmt.Sprintf(untyped, "default = 0", "", "", "", "min = var.v")
	_, diags := profile.LoadBytes([]byte(src), "p.hcl", profile.Options{
		Vars: nil, VarFiles: []string{"v.hcl"}, FS: fstest.MapFS{"v.hcl": {Data: []byte(`v = "1"`)}},
		Env: func(name string) (string, bool) { return "2", name == profile.VarEnvPrefix+"v" },
	})
	require.Len(t, diags, 1)
	require.Equal(t, diag.Advice(`Write type = number in variable "v".`), diags[0].Extra)
	require.NotContains(t, diags[0].Detail, "taken as text")
}
