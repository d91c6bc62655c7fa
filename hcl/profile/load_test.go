package profile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// asking is a profile whose pool's largest size and image come from variables.
const asking = `
variable "max" {
  type    = number
  default = 1
}
variable "tag" { default = "default" }
machine "m" {
  kind  = "api"
  image = "registry.example/m:${var.tag}"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = var.max }
}
`

func files(nameAndText ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(nameAndText); i += 2 {
		out[nameAndText[i]] = &fstest.MapFile{Data: []byte(nameAndText[i+1])}
	}
	return out
}

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

// Of all sources of a value the later one wins: default, environment, files in order, Vars.
func TestVariableSources(t *testing.T) {
	fsys := files("p.hcl", asking, "one.vars.hcl", `tag = "one"`, "two.vars.hcl", `tag = "two"`)
	for want, opts := range map[string]profile.Options{
		"default": {},
		"env":     {Env: environment(map[string]string{"MACHINECTL_VAR_tag": "env", "MACHINECTL_VAR_other": "ignored"})},
		"two": {
			Env:      environment(map[string]string{"MACHINECTL_VAR_tag": "env"}),
			VarFiles: []string{"one.vars.hcl", "two.vars.hcl"},
		},
		"var": {VarFiles: []string{"two.vars.hcl"}, Vars: map[string]string{"tag": "var"}},
		// A variable without a type takes text as it is.
		"[1,2]": {Vars: map[string]string{"tag": "[1,2]"}},
	} {
		t.Run(want, func(t *testing.T) {
			opts.FS = fsys
			p, diags := profile.Load([]string{"p.hcl"}, opts)
			require.Empty(t, diags)
			require.Equal(t, "registry.example/m:"+want, p.Machines["m"].Image)
		})
	}
}

func TestVariableSourcesTyped(t *testing.T) {
	p, diags := profile.LoadBytes([]byte(asking), "p.hcl", profile.Options{Vars: map[string]string{"max": "2 + 3"}})
	require.Empty(t, diags)
	require.Equal(t, 5, p.Pools[0].Max)
	require.Same(t, p.Machines["m"], p.Pools[0].Machine)
}

// What is wrong outside of a profile's files is shown like what is wrong within them.
func TestLoadProblems(t *testing.T) {
	fsys := files("p.hcl", asking, "empty/notes.txt", "", "bad.vars.hcl", "tga = 1\nmax = \"x\"\nblock {}", "broken.vars.hcl", "max = ")
	for name, c := range map[string]struct {
		paths []string
		opts  profile.Options
		want  string
	}{
		"no paths": {nil, profile.Options{}, "Error: No profile given\n\n  → Name a profile file, or a directory with *.hcl files.\n\n"},
		"no file":  {[]string{"x.hcl"}, profile.Options{}, "Error: Unreadable file\n\n  x.hcl can't be read: it doesn't exist.\n\n"},
		"empty directory": {
			[]string{"empty"},
			profile.Options{},
			"Error: No profile files\n\n  The directory empty has no file named *.hcl.\n  → Files named *.vars.hcl give variables their values; name them with -var-file.\n\n",
		},
		"unknown variable": {
			[]string{"p.hcl"},
			profile.Options{Vars: map[string]string{"tga": "x"}},
			"Error: Unknown variable \"tga\"\n\n  -var tga names a variable that the profile doesn't declare.\n  → Did you mean \"tag\"?\n\n",
		},
		"wrong text": {
			[]string{"p.hcl"},
			profile.Options{Vars: map[string]string{"max": "true"}},
			"Error: Wrong type for variable \"max\"\n\n  -var max:1:1\n  1 | true\n    | ^^^^\n\n  It is declared as number: number required, but have bool.\n\n",
		},
		"no expression": {
			[]string{"p.hcl"},
			profile.Options{Env: environment(map[string]string{"MACHINECTL_VAR_max": "5 apples"})},
			"Error: More than one expression\n\n  MACHINECTL_VAR_max:1:3\n  1 | 5 apples\n    |   ^^^^^^\n\n  The expression is followed by apples.\n  → Remove it; text is written in quotation marks.\n\n",
		},
		"file of variables": {
			[]string{"p.hcl"},
			profile.Options{VarFiles: []string{"bad.vars.hcl", "none.vars.hcl"}},
			"Error: Unreadable file\n\n  none.vars.hcl can't be read: it doesn't exist.\n\n" +
				"Error: Unknown variable \"tga\"\n\n  bad.vars.hcl:1:1\n  1 | tga = 1\n    | ^^^\n\n  The profile doesn't declare it.\n  → Did you mean \"tag\"?\n\n" +
				"Error: Wrong type for variable \"max\"\n\n  bad.vars.hcl:2:7\n  2 | max = \"x\"\n    |       ^^^\n\n  It is declared as number: a number is required.\n\n" +
				"Error: Block in a file of variables\n\n  bad.vars.hcl:3:1\n  3 | block {}\n    | ^^^^^\n\n  A file of variables has lines of the form name = value.\n  → If this is a profile, name it without -var-file.\n\n",
		},
		"broken file of variables": {
			[]string{"p.hcl"},
			profile.Options{VarFiles: []string{"broken.vars.hcl"}},
			"Error: \"max\" has no value\n\n  broken.vars.hcl:1:1\n  1 | max = \n    | ^^^\n\n  Nothing follows the equals sign.\n  → Write a value after max =, or remove the line.\n\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.FS = fsys
			p, diags := profile.Load(c.paths, c.opts)
			var b strings.Builder
			require.NoError(t, diag.Printer{Sources: p.Sources}.Text(&b, diags))
			require.Equal(t, c.want, b.String())
		})
	}
}

// A file that is named twice, by itself and with its directory, is read once.
func TestLoadTwice(t *testing.T) {
	p, diags := profile.Load([]string{"d/p.hcl", "d"}, profile.Options{FS: files("d/p.hcl", asking, "d/sub/q.hcl", "wrong")})
	require.Empty(t, diags)
	require.Len(t, p.Pools, 1)
}

// A sensitive value is never in what is reported, and is listed for others to mask.
func TestSensitive(t *testing.T) {
	const src = `
variable "password" {
  type      = string
  sensitive = true
  validation {
    condition     = length(var.password) > 99
    error_message = "Too short: ${var.password}."
  }
}
locals { n = parseint("${var.password}x", 10) }
`
	p, diags := profile.LoadBytes([]byte(src), "p.hcl", profile.Options{Vars: map[string]string{"password": "hunter2"}})
	require.True(t, diags.HasErrors())
	require.Equal(t, []string{"hunter2"}, p.Sensitive)
	var b strings.Builder
	require.NoError(t, diag.Printer{Sources: p.Sources}.Text(&b, diags))
	require.NotContains(t, b.String(), "hunter2")
	require.Contains(t, b.String(), "Too short: (sensitive).")
	require.NoError(t, diag.JSON(&b, diags, p.Sources))
	require.NotContains(t, b.String(), "hunter2")
}

// Diagnostics are in the order of the files and of what is in them, whichever step found them.
func TestOrder(t *testing.T) {
	_, diags := profile.Load([]string{"b.hcl", "a.hcl"}, profile.Options{FS: files(
		"a.hcl", "pool \"p\" {}\nvariable \"v\" {}\n",
		"b.hcl", "machine \"m\" {}\nlocals { x = var.y }\nfoo {}\n",
	)})
	var places []string
	for _, d := range diags {
		places = append(places, fmt.Sprintf("%s:%d", d.Subject.Filename, d.Subject.Start.Line))
	}
	require.IsNonDecreasing(t, indexes(places, []string{"b.hcl:1", "b.hcl:2", "b.hcl:3", "a.hcl:1", "a.hcl:2"}))
	require.Contains(t, places, "a.hcl:2")
}

func indexes(places, order []string) []int {
	out := make([]int, len(places))
	for i, p := range places {
		out[i] = -1
		for j, o := range order {
			if p == o {
				out[i] = j
			}
		}
	}
	return out
}

// A profile's project may stand in any of its files; a module has none of its own.
func TestProject(t *testing.T) {
	pools := strings.ReplaceAll(asking, "var.max", "2")
	fsys := files("d/a.hcl", pools, "d/b.hcl", `project "emprops" {}`)
	p, diags := profile.Load([]string{"d"}, profile.Options{FS: fsys})
	require.Equal(t, "emprops", p.Project, "%v", diags)

	fsys = files("d/a.hcl", "project \"emprops\" {}\nmodule \"m\" { source = \"./m\" }", "d/m/a.hcl", pools, "d/m/b.hcl", `project "other" {}`)
	p, diags = profile.Load([]string{"d"}, profile.Options{FS: fsys})
	errs, _ := diag.Split(diags)
	require.Len(t, errs, 1, "%v", diags)
	require.Equal(t, "A project in a module", errs[0].Summary)
	require.Equal(t, "d/m/b.hcl", errs[0].Subject.Filename)
	require.Equal(t, "emprops", p.Project)
}
