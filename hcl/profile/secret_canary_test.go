package profile

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/diag"
)

// canary is a sensitive value that occurs nowhere else, so that any piece of it tells that it was shown; so is the number.
const (
	canary       = "qzxjkvwpbfyg"
	canaryNumber = "918273645"
)

// shows reports a piece of the canary in a text: upper or lower case, forwards or backwards, or as base64.
func shows(text string) string {
	const piece = 5
	backwards := []rune(canary)
	slices.Reverse(backwards)
	low := strings.ToLower(text)
	for _, form := range []string{canary, string(backwards), strings.ToLower(base64.StdEncoding.EncodeToString([]byte(canary))), canaryNumber} {
		for i := range len(form) - piece + 1 {
			if strings.Contains(low, form[i:i+piece]) {
				return form[i : i+piece]
			}
		}
	}
	return ""
}

// canaryVariables are sensitive variables of all types, whose values are given by opts or defaults.
const canaryVariables = `
variable "s" { sensitive = true }
variable "n" {
  type      = number
  sensitive = true
  default   = 918273645
}
variable "l" {
  type      = list(string)
  sensitive = true
  default   = ["qzxjkvwpbfyg", "qzxjkvwpbfyg"]
}
variable "m" {
  type      = map(string)
  sensitive = true
  default   = { qzxjkvwpbfyg = "qzxjkvwpbfyg" }
}
variable "o" {
  sensitive = true
  type      = object({ a = string, b = optional(number, 1) })
  default   = { a = "qzxjkvwpbfyg" }
}
environment "CANARY" { sensitive = true }
locals { mixed = { plain = "x", secret = var.s } }
`

func canaryOptions() Options {
	return Options{
		Vars: map[string]string{"s": canary}, FS: fstest.MapFS{"t.tmpl": {Data: []byte("${a} ${parseint(a, 10)}")}},
		Env: func(name string) (string, bool) { return canary, name == "CANARY" },
	}
}

// said is all that is shown of a load.
func said(t *testing.T, p *Profile, diags hcl.Diagnostics) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, diag.Printer{Sources: p.Sources, Width: 80}.Text(&b, diags))
	require.NoError(t, diag.JSON(&b, diags, p.Sources))
	return b.String()
}

// expressions put sensitive values into all forms that an argument can take.
func canaryExpressions() []string {
	return []string{
		"var.s", "var.n", "var.l", "var.m", "var.o", `"x${var.s}y"`, "[var.s]", "[var.l]", "{ A = var.s }", "{ A = var.n, B = [var.s] }", "{ (var.s) = 1 }", "{ (var.s) = var.s }",
		"upper(var.s)", "substr(var.s, 0, 6)", "base64encode(var.s)", "jsonencode(var.o)", "jsonencode(var.m)", "local.mixed.secret", "local.mixed", "values(var.m)", "keys(var.m)",
		`env("CANARY")`, `["a", env("CANARY")]`, "var.n + 1", "-var.n", "!var.s", "var.s.x", "var.l[99]", `var.m["nothing"]`, "var.o.c", "var.s ? 1 : 2", "parseint(var.s, 10)",
		`[for x in var.l : parseint(x, 10)]`, `{ for k, v in var.m : k => v }`, `{ for x in var.l : x => 1 }`, "var.s + 1", "var.s[0]", "var.l[*].x", "try(parseint(var.s, 10), var.s.x)",
		`templatefile("t.tmpl", { a = var.s })`, `file(var.s)`, `"%{ for x in var.s }${x}%{ endfor }"`, `secret(var.s, var.s)`, `"${secret("a/b", "c")}${var.s}"`, `[secret("a", "b"), var.s]`,
		"var.s == \"x\" ? 1 : 2", "can(parseint(var.s, 10)) ? 5 : 6", "length(var.s)", "length(var.l)", "max(var.n, 1)", "var.n > 5",
	}
}

// No message about any argument of the language shows what a sensitive value is, whether it takes such values or not.
func TestCanaryInEveryArgument(t *testing.T) {
	dynamic := []string{"var.s", "var.l", "var.m", "var.n", "[var.s]", "{ a = var.s }", "upper(var.s)", "parseint(var.s, 10)", "{ (var.s) = 1 }"}
	var walk func(g *block, path []*block)
	walk = func(g *block, path []*block) {
		path = append(slices.Clone(path), g)
		for _, a := range g.args {
			checkCanary(t, path, canaryExpressions(), a.name+" = %s")
		}
		if g.open {
			checkCanary(t, path, canaryExpressions(), "anything = %[1]s\nblock { inner = %[1]s }")
		}
		for _, c := range g.blocks {
			if c.name == "override" { // which is a machine's grammar again
				continue
			}
			walk(c, path)
			checkCanary(t, path, dynamic, "dynamic \""+c.name+"\" {\nfor_each = %s\ncontent {}\n}")
			checkCanary(t, path, dynamic, "dynamic \""+c.name+"\" {\nfor_each = [1]\nlabels = %s\ncontent {}\n}")
			checkCanary(t, path, dynamic, "dynamic \""+c.name+"\" {\nfor_each = [1]\nlabels = [%s]\ncontent {}\n}")
		}
	}
	for _, g := range language().blocks {
		if g.name != "locals" {
			walk(g, nil)
		}
	}
	checkCanary(t, nil, canaryExpressions(), "x = %s")
}

// checkCanary loads a profile with the line once for each expression, each time within blocks of their own.
func checkCanary(t *testing.T, path []*block, expressions []string, line string) {
	t.Helper()
	var b strings.Builder
	for i, expr := range expressions {
		text := fmt.Sprintf(line, expr)
		for _, g := range slices.Backward(path) {
			label := ""
			if g.label != "" {
				label = fmt.Sprintf(` "x%d"`, i)
			}
			text = fmt.Sprintf("%s%s {\n%s\n}", g.name, label, text)
		}
		b.WriteString(text + "\n")
	}
	checkSource(t, b.String())
}

func checkSource(t *testing.T, src string) {
	t.Helper()
	p, diags := LoadBytes([]byte(canaryVariables+src), "p.hcl", canaryOptions())
	require.NotContains(t, diags.Error(), "syntax")
	if piece := shows(said(t, p, diags)); piece != "" {
		for _, d := range diags {
			if text := said(t, p, hcl.Diagnostics{d}); shows(text) != "" {
				t.Fatalf("%q is shown:\n%s", piece, text)
			}
		}
	}
}

// Nothing that a function says shows a sensitive argument, whichever it is and whatever the others are.
func TestCanaryInEveryFunction(t *testing.T) {
	others := []string{`"x"`, "1", "[]", "{}", `["a"]`, "null", "var.s"}
	sensitive := []string{"var.s", "var.n", "var.l", "var.m", "var.o", `"${var.s}x"`, `upper(var.s)`, `"{\"${var.s}"`, `"${var.s},\n\"${var.s}"`, `env("CANARY")`, `"(${var.s}"`, `"%${var.s}"`}
	functions := newLoader(Options{}).scope.functions
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if name == "nonsensitive" {
			continue // it may be shown
		}
		count := len(functions[name].Params())
		if functions[name].VarParam() != nil {
			count += 2
		}
		var b strings.Builder
		for n := 1; n <= count; n++ {
			for at := range n {
				for _, value := range sensitive {
					for _, other := range others {
						args := slices.Repeat([]string{other}, n)
						args[at] = value
						fmt.Fprintf(&b, "x%d = %s(%s)\n", b.Len(), name, strings.Join(args, ", "))
					}
				}
			}
		}
		checkSource(t, "locals {\n"+b.String()+"}\n")
	}
}

// A file of variables, -var and the environment show nothing of what is given, however wrong it is.
func TestCanaryInGivenValues(t *testing.T) {
	for _, text := range []string{
		"s = \"qzxjkvwpbfyg\"\nn = \"qzxjkvwpbfyg\"\n", "s = qzxjkvwpbfyg\n", "s = \"qzxjkvwpbfyg\n", "s = 'qzxjkvwpbfyg'\n", "sss = \"qzxjkvwpbfyg\"\n", "s = [\"qzxjkvwpbfyg\"\n",
		"s = <<EOT\nqzxjkvwpbfyg\n", "l = \"qzxjkvwpbfyg\"\n", "l = [qzxjkvwpbfyg]\n", "m = { qzxjkvwpbfyg = qzxjkvwpbfyg }\n", "m = [\"qzxjkvwpbfyg\"]\n", "o = { qzxjkvwpbfyg = 1 }\n",
		"o = { a = { qzxjkvwpbfyg = 1 } }\n", "o = \"qzxjkvwpbfyg\"\n", "s \"qzxjkvwpbfyg\" {}\n", "s = \"${qzxjkvwpbfyg}\"\n", "s = qzxjkvwpbfyg()\n", "s = upper(qzxjkvwpbfyg)\n",
		"s = \"qzxj\\kvwpbfyg\"\n", "n = 918273645918273645918273645\n", "n = \"918273645x\"\n", "s = parseint(\"qzxjkvwpbfyg\", 10)\n", "qzxjkvwpbfyg\n", "s: qzxjkvwpbfyg\n", "export s=qzxjkvwpbfyg\n",
		"s = \"qzxjkvwpbfyg\"\ns = \"qzxjkvwpbfyg\"\n", "s = {\n  a = \"qzxjkvwpbfyg\"\n}}\n", "\xff s = \"qzxjkvwpbfyg\"\n", "n = [\n  \"qzxjkvwpbfyg\",\n]\n", "s = \"a\" + \"qzxjkvwpbfyg\"\n",
	} {
		t.Run(text, func(t *testing.T) {
			opts := canaryOptions()
			opts.FS = fstest.MapFS{"p.hcl": {Data: []byte(canaryVariables)}, "v.vars.hcl": {Data: []byte(text)}}
			opts.VarFiles, opts.Vars = []string{"v.vars.hcl"}, nil
			p, diags := Load([]string{"p.hcl"}, opts)
			require.Empty(t, shows(said(t, p, diags)), "%s", said(t, p, diags))

			_, diags = FormatFile([]byte(text), "v.vars.hcl")
			require.Empty(t, shows(said(t, &Profile{Sources: map[string][]byte{"v.vars.hcl": Conceal("v.vars.hcl", []byte(text))}}, diags)))
		})
	}
	for _, given := range []string{"qzxjkvwpbfyg", `"qzxjkvwpbfyg`, "[qzxjkvwpbfyg]", "{ qzxjkvwpbfyg = 1 }", "qzxjkvwpbfyg()", "918273645x", `["qzxjkvwpbfyg", 1`, `{ a = ["qzxjkvwpbfyg"] }`} {
		for _, name := range []string{"s", "n", "l", "m", "o", "unknown"} {
			opts := canaryOptions()
			opts.Vars = map[string]string{name: given}
			p, diags := LoadBytes([]byte(canaryVariables), "p.hcl", opts)
			require.Empty(t, shows(said(t, p, diags)), "%s", said(t, p, diags))
			opts.Vars = nil
			opts.Env = func(variable string) (string, bool) { return given, variable == VarEnvPrefix+name }
			p, diags = LoadBytes([]byte(canaryVariables), "p.hcl", opts)
			require.Empty(t, shows(said(t, p, diags)), "%s", said(t, p, diags))
		}
	}
}

// Nor does the profile show the default of a sensitive variable, however wrong it or the file is.
func TestCanaryInDefaults(t *testing.T) {
	for _, value := range []string{
		`"qzxjkvwpbfyg"`, "qzxjkvwpbfyg", `"qzxjkvwpbfyg`, `'qzxjkvwpbfyg'`, `[qzxjkvwpbfyg]`, `"${qzxjkvwpbfyg}"`, `"qzxj\kvwpbfyg"`, `{ qzxjkvwpbfyg = 1 `, `parseint("qzxjkvwpbfyg", 10)`,
		"<<EOT\nqzxjkvwpbfyg\nEOT", "<<EOT\nqzxjkvwpbfyg", "[\n  \"qzxjkvwpbfyg\",\n]", "[\n  \"qzxjkvwpbfyg,\n]", "upper(\"qzxjkvwpbfyg\"", "qzxjkvwpbfyg.x", "\"qzxjkvwpbfyg\" \"",
	} {
		for _, typ := range []string{"string", "number", "list(number)", "object({ a = string })", "wrong"} {
			for _, form := range []string{
				"variable \"v\" {\n  type = %[2]s\n  sensitive = true\n  default = %[1]s\n}\n", "variable \"v\" {\n  default = %[1]s\n  sensitive = true\n  type = %[2]s\n}\n",
				"variable \"v\" {\n  default = %[1]s\n  sensitive = true\n", "environment \"V\" {\n  default = %[1]s\n  sensitive = true\n}\n",
				"variable \"v\" {\n  sensitive = true\n  validation {\n    condition = length(var.v) > 99\n    error_message = \"It is ${var.v}.\"\n  }\n  default = %[1]s\n}\n",
				"variable \"v\" {\n  sensitive = yes\n  default = %[1]s\n}\n", "variable \"v\" {\n  sensitve = true\n  default = %[1]s\n}\n",
			} {
				src := fmt.Sprintf(form, value, typ)
				p, diags := LoadBytes([]byte(src), "p.hcl", Options{})
				require.Empty(t, shows(said(t, p, diags)), "%s\n%s", src, said(t, p, diags))
				_, diags = FormatFile([]byte(src), "p.hcl")
				require.Empty(t, shows(said(t, &Profile{Sources: map[string][]byte{"p.hcl": Conceal("p.hcl", []byte(src))}}, diags)), "%s", src)
			}
		}
	}
}

// A literal that a profile gives to a sensitive variable of a module isn't shown, however wrong the literal or the file is.
func TestCanaryInWrongInputs(t *testing.T) {
	for _, inputs := range []string{
		`{ v = "qzxjkvwpbfyg }`, `{ v = qzxjkvwpbfyg }`, `[ v = "qzxjkvwpbfyg" }`, `{ v = "qzxjkvwpbfyg"`, "{\n  v = \"qzxjkvwpbfyg\n}", "{\n  v = qzxjkvwpbfyg\n}", `["qzxjkvwpbfyg"]`, `"qzxjkvwpbfyg"`,
		`{ w = "qzxjkvwpbfyg" }`, `{ (var.s) = "qzxjkvwpbfyg" }`, `{ v = "qzxjkvwpbfyg", other = var.nothing }`, `{ v = qzxjkvwpbfyg() }`, `{ v = parseint("qzxjkvwpbfyg", 10) }`, `{ v = 'qzxjkvwpbfyg' }`,
		"{ v = <<EOT\nqzxjkvwpbfyg\n}", "{ v = qzxjkvwpbfyg== }", `{ v = qzxjkvwpbfyg.x, other = "y" }`, `qzxjkvwpbfyg`, "{\n  other = var.s,\n  v = \"qzxjkvwpbfyg\" x\n}",
	} {
		for _, module := range []string{"variable \"v\" { sensitive = true }\nvariable \"other\" {}\n", "variable \"v\" { sensitive = true\n"} {
			src := canaryVariables + "module \"m\" {\n  source = \"./mod\"\n  inputs = " + inputs + "\n}\n"
			opts := canaryOptions()
			opts.FS = fstest.MapFS{"p.hcl": {Data: []byte(src)}, "mod/m.hcl": {Data: []byte(module)}}
			p, diags := Load([]string{"p.hcl"}, opts)
			require.True(t, diags.HasErrors(), inputs)
			require.Empty(t, shows(said(t, p, diags)), "%s\n%s", inputs, said(t, p, diags))
			_, diags = FormatFile([]byte(src), "p.hcl")
			require.Empty(t, shows(said(t, &Profile{Sources: map[string][]byte{"p.hcl": Conceal("p.hcl", []byte(src))}}, diags)), "%s", src)
		}
	}
}

// A value that a profile gives to a sensitive variable of a module isn't shown either, nor one that comes from a sensitive one.
func TestCanaryInInputs(t *testing.T) {
	for _, value := range append(canaryExpressions(), `"qzxjkvwpbfyg"`, `["qzxjkvwpbfyg"]`, `{ a = "qzxjkvwpbfyg" }`) {
		for _, typ := range []string{"string", "number", "list(number)", "object({ a = number })", "any"} {
			for _, inputs := range []string{"{ v = " + value + " }", "{\n  v = " + value + "\n}", value} {
				if inputs == value && strings.Contains(value, canary) {
					continue // nothing that is sensitive
				}
				files := fstest.MapFS{
					"p.hcl":     {Data: []byte(canaryVariables + "module \"m\" {\n  source = \"./mod\"\n  inputs = " + inputs + "\n}\n")},
					"mod/m.hcl": {Data: []byte("variable \"v\" {\n  sensitive = true\n  type = " + typ + "\n}\nlocals { x = parseint(var.v, 10) }\n")},
				}
				opts := canaryOptions()
				opts.FS = files
				p, diags := Load([]string{"p.hcl"}, opts)
				require.Empty(t, shows(said(t, p, diags)), "%s\n%s", inputs, said(t, p, diags))
			}
		}
	}
}
