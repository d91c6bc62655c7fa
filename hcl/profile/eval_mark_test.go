package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

// secretWorlds are values that sensitive variables may have. What isn't marked must be the same with all of them.
var secretWorlds = []string{
	`{ s = "a", n = 0, b = false, l = ["a"], m = { a = "x" }, o = { a = "x", c = ["a"] }, e = [], f = [{ a = "x" }], z = null, y = null }`,
	`{ s = "b", n = 1, b = true, l = ["b", "a"], m = { b = "x" }, o = { a = "y", c = ["b"] }, e = [["q"]], f = [{ b = "x" }], z = "b", y = { a = "q" } }`,
	`{ s = "a", n = 1, b = false, l = [], m = {}, o = { a = "x", c = [] }, e = [["q"], ["r"]], f = [], z = null, y = null }`,
}

// publicLocals are values beside them.
const publicLocals = `{
  t    = { a = "x", b = "y" }, u = ["x", "y"], deep = { a = { a = "x", b = "y" }, b = { a = "v", b = "w" } }
  map  = tomap({ a = "x", b = "y" }), list = tolist(["x", "y"]), set = toset(["a", "b"]), text = "a", objects = [{ a = 1 }, { a = 2 }]
  none = {}, numbers = [1, 2]
}`

// worlds returns one loader for each of the secretWorlds.
func worlds(t testing.TB) []*loader {
	t.Helper()
	var list []*loader
	for _, text := range secretWorlds {
		l := newLoader(Options{FS: fstest.MapFS{
			"a": {Data: []byte("x")}, "b": {Data: []byte("y")}, "t.tmpl": {Data: []byte("%{ if c }1%{ else }2%{ endif }${t[k]}")},
			"u.tmpl": {Data: []byte("${t[k]}")},
		}, Env: func(string) (string, bool) { return "", false }})
		for name, v := range evaluated(t, l, text).AsValueMap() {
			l.scope.setVariable(name, v.Mark(sensitive{}))
		}
		for name, v := range evaluated(t, l, publicLocals).AsValueMap() {
			l.scope.setLocal(name, v)
		}
		// Some that are sensitive in part only.
		l.scope.setLocal("mixed", cty.TupleVal([]cty.Value{cty.StringVal("a"), l.scope.variables["s"]}))
		l.scope.setLocal("half", cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("a"), "b": l.scope.variables["s"]}))
		list = append(list, l)
	}
	return list
}

func evaluated(t testing.TB, l *loader, text string) cty.Value {
	t.Helper()
	v, diags := evaluate(t, l, text)
	require.Empty(t, diags)
	return v
}

func evaluate(t require.TestingT, l *loader, text string) (cty.Value, hcl.Diagnostics) {
	expr, diags := hclsyntax.ParseExpression([]byte(text), "p.hcl", hcl.InitialPos)
	require.Empty(t, diags, text)
	l.scope.outside.cost.guard(expr)
	return l.scope.eval(expr, roots{variables: true, locals: true})
}

// revealed is what can be told of a value without what is marked. Types aren't told: 1 and "1" are the same where they end up.
func revealed(v cty.Value) string {
	switch {
	case v.IsMarked():
		return "(sensitive)"
	case v.IsKnown() && !v.IsNull() && v.Type().IsPrimitiveType():
		text, _ := scalar(v)
		return text
	case v.IsNull():
		return "null"
	case !v.IsKnown() || !v.CanIterateElements():
		return v.GoString()
	}
	var b strings.Builder
	for k, e := range items(v) {
		fmt.Fprintf(&b, "%s: %s, ", revealed(k), revealed(e))
	}
	return "{" + b.String() + "}"
}

// checkMarks evaluates an expression in all worlds and returns how many of them have a value.
func checkMarks(t require.TestingT, all []*loader, text string) int {
	var first string
	count := 0
	for i, l := range all {
		v, diags := evaluate(t, l, text)
		if diags.HasErrors() {
			continue // nothing comes of it
		}
		said := revealed(v)
		if count == 0 {
			first = said
		}
		require.Equal(t, first, said, "%s shows, in world %d, what a sensitive value is", text, i)
		count++
	}
	return count
}

// Whatever a sensitive value decides is sensitive, in all forms of expressions.
func TestMarksOfExpressions(t *testing.T) {
	for _, text := range []string{
		"local.t[var.s]", "local.map[var.s]", "local.u[var.n]", "local.list[var.n]", "local.deep[var.s].a", "local.deep[var.s][var.s]", "local.deep.a[var.s]", "(local.t)[var.s]",
		"{ a = 1, b = 2 }[var.s]", `["x", "y"][var.n]`, "{ a = 1, b = 2 }[lower(var.s)]", `{ a = 1, b = 2 }["${var.s}"]`, "local.deep[local.deep[local.half.b].a == \"x\" ? \"a\" : \"b\"].a",
		`{ "0" = 1, "1" = 2 }[var.n]`, `{ "true" = 1, "false" = 2 }[var.b]`, "local.t[local.half.b]", "local.t[local.mixed[1]]", "local.deep[var.s]", "[for k in [var.s] : local.t[k]]",
		"{ for k in [var.s] : \"k\" => local.t[k] }", "[for k in [\"a\", var.s] : local.t[k]][0]", "(local.objects[*].a)[var.n]", "[local.t][0][var.s]", "([local.deep][*])[0][var.s]",
		`"${local.t[var.s]}"`, `"x${local.t[var.s]}"`, "local.t[var.s] == \"x\"", "upper(local.t[var.s])", "[local.t[var.s]]", "{ k = local.t[var.s] }", "try(local.t[var.s], 1)", "can(local.t[var.s])",
		"var.b ? 1 : 2", "var.b ? local.t : local.none", "var.s == \"a\"", "var.s != \"a\"", "!var.b", "-var.n", "var.n > 0", "var.b && true", "false && var.b", "true || var.b", "var.b || true",
		"[var.s] == [\"a\"]", "{ a = var.s } == { a = \"a\" }", "local.half == { a = \"a\", b = \"a\" }", "{ (var.s) = 1 }", "{ \"${var.s}\" = 1 }", "{ (local.t[var.s]) = 1 }",
		"[for k in local.u : k if var.b]", "{ for k, v in local.t : k => v if var.b }", "{ for k, v in local.t : var.s => v... }", "[for k in var.l : 1]", "{ for k in var.l : k => 1 }",
		"[for k, v in local.t : v if k == var.s]", "{ for k, v in local.t : k => v if k == var.s }", "{ for k, v in local.t : v => k... if k == var.s }", "[for k in local.mixed : 1 if k == \"a\"]",
		"[for k in toset(local.mixed) : 1]", "[for k in local.objects : k.a if k.a == var.n]", "{ for k, v in local.t : local.t[var.s] => 1... }",
		`"%{ if var.b }x%{ else }y%{ endif }"`, `"%{ if var.b }x%{ endif }"`, `"a%{ if var.b }x%{ endif }"`, `"%{ for x in var.l }x%{ endfor }"`, `"a%{ for x in var.l }x%{ endfor }"`,
		`"%{ for x in local.u }%{ if var.b }${x}%{ endif }%{ endfor }"`, `"%{ for x in local.mixed }%{ if x == "a" }1%{ endif }%{ endfor }"`, `"%{ if true }%{ if var.b }x%{ endif }%{ endif }"`,
		"var.z[*]", "var.z.*", "var.l[*]", "var.f[*].a", "length(var.l[*])", "length(var.z[*])", "var.m[*]", "local.half[*].b", "[for x in var.z[*] : 1]",
		"concat(local.u, var.e...)", "merge(local.t, var.f...)", "merge(var.f...)", "concat([\"a\"], [for x in local.u : [x] if var.b]...)", "merge({}, [for x in local.u : { k = x } if x == local.t[var.s]]...)",
		"coalesce(var.z, \"c\")", "coalesce(null, var.z, \"c\")", "merge(local.t, var.m)", "merge(var.m, local.t)", "merge(local.t, var.y)", "merge(null, var.f...)", "merge(var.y)", "try(var.l[0], \"none\")", "can(var.l[0])", "can(local.u[var.n + 1])", "try(local.u[var.n + 1], 1)",
		"try(local.t[\"${var.s}x\"], 1)", "can(local.deep[var.s].c)", "can([for x in var.l : x.a])", "try(local.half.b + 1, 3)", "can(length(var.l) > 0 ? 1 : local.u[9])",
		`templatefile("t.tmpl", { c = var.b, t = local.t, k = "a" })`, `templatefile("t.tmpl", { c = true, t = local.t, k = var.s })`, `templatefile("u.tmpl", { t = local.t, k = var.s })`, `file(var.s)`,
		`templatefile("u.tmpl", { t = { a = 1, b = 2 }, k = local.half.b })`,
		"lookup(local.t, var.s, 1)", "lookup(local.map, var.s, \"z\")", "element(local.u, var.n)", "slice(local.u, 0, var.n)", "zipmap([var.s], [1])", "zipmap(var.l, var.l)",
		"keys({ (var.s) = 1 })", "values({ (var.s) = 1 })", "keys(var.m)", "length(var.l)", "length(tomap({ (var.s) = 1, a = 2 }))", "contains(local.u, var.s)", "contains(local.mixed, \"b\")",
		"chunklist(local.u, var.n + 1)", "range(var.n)", "reverse(local.mixed)", "flatten([local.mixed, var.l])", "distinct(local.mixed)", "compact(local.mixed)", "sort(local.mixed)", "setunion(local.mixed, [\"a\"])",
		"substr(\"ab\", var.n, 1)", "split(var.s, \"a,b\")", "join(var.s, local.u)", "format(\"%s\", var.s)", "regexall(var.s, \"ab\")", "jsonencode(local.half)", "jsondecode(jsonencode(var.s))", "tomap(local.half)",
		"alltrue([var.b, true])", "anytrue([var.b])", "sum([var.n, 1])", "max(var.n, 0)", "tolist(local.mixed)[0]", "toset(local.mixed)", "local.half[\"b\"]", "[for k, v in local.half : v == \"a\"]",
	} {
		all := worlds(t)
		t.Run(text, func(t *testing.T) { require.NotZero(t, checkMarks(t, all, text), "no value: %s", text) })
	}
}

// An index is evaluated once, however deep indices are nested: twice at each level would take for ever.
func TestMarksOfNestedIndices(t *testing.T) {
	const depth = 60
	text := strings.Repeat(`{ a = "a" }[`, depth) + "var.s" + strings.Repeat("]", depth)
	require.NotZero(t, checkMarks(t, worlds(t), text))
}

// What functions return is as sensitive as what decides it, with sensitive arguments in every place.
func TestMarksOfFunctions(t *testing.T) {
	all := worlds(t)
	sensitives := []string{"var.s", "var.n", "var.b", "var.l", "var.m", "var.o", "var.e", "var.f", "var.z", "var.y", "local.mixed", "local.half", "[var.n]", "[var.b]", "[var.l]", "{ (var.s) = 1 }", "base64encode(var.s)", "tostring(var.n)"}
	others := []string{"local.t", "local.u", "local.map", "local.set", `"a"`, "1", "2", "local.mixed", "null", "[]"}
	for _, name := range slices.Sorted(maps.Keys(all[0].scope.functions)) {
		if name == "nonsensitive" || name == "secret" {
			continue // the one is meant to show it; the other's values differ by load
		}
		f := all[0].scope.functions[name]
		count := len(f.Params())
		if f.VarParam() != nil {
			count += 2
		}
		values := 0
		for n := 1; n <= count; n++ {
			for at := range n {
				for _, value := range sensitives {
					for _, other := range others {
						args := slices.Repeat([]string{other}, n)
						args[at] = value
						list := strings.Join(args, ", ")
						values += checkMarks(t, all, name+"("+list+")")
						if at == n-1 {
							values += checkMarks(t, all, name+"("+list+"...)")
						}
					}
				}
			}
		}
		if name != "env" && name != "templatefile" {
			require.NotZero(t, values, "%s has never had a value", name)
		}
	}
}

// The same for expressions put together out of others.
func TestMarksOfNestedExpressions(t *testing.T) {
	leaves := map[string][]string{
		"string": {"var.s", `"a"`, `"b"`, "local.text", "local.half.b", "local.mixed[1]", "local.t.a"}, "number": {"var.n", "0", "1"}, "bool": {"var.b", "true", "false"},
		"list": {"var.l", "local.u", "local.mixed", "local.list", "var.e", "[]"}, "map": {"var.m", "local.t", "local.map", "local.half", "var.o"},
	}
	forms := map[string][]string{
		"string": {
			"<map>[<string>]", "<list>[<number>]", "lookup(<map>, <string>, <string>)", "element(<list>, <number>)", "<bool> ? <string> : <string>", `"${<string>}${<string>}"`,
			`"%{ if <bool> }x%{ else }${<string>}%{ endif }"`, `"%{ for x in <list> }%{ if <bool> }x%{ endif }%{ endfor }"`, "try(<map>[<string>], <string>)", "join(<string>, <list>)", "coalesce(<string>, <string>)", "<map>[*][<number>]",
		},
		"number": {"length(<list>)", "length(<map>)", "<bool> ? <number> : <number>", "<number> + <number>", "length(<string>)"},
		"bool":   {"<string> == <string>", "<list> == <list>", "<map> != <map>", "contains(<list>, <string>)", "!(<bool>)", "<bool> && <bool>", "can(<map>[<string>])", "<number> > <number>", "can(<list>[<number>])"},
		"list": {
			"[<string>, <string>]", "[for x in <list> : x if <bool>]", "[for x in <list> : <string>]", "[for k, v in <map> : v if k == <string>]", "keys(<map>)", "values(<map>)", "<list>[*]", "concat(<list>, <list>)",
			"<bool> ? <list> : <list>", "concat(<list>, [<list>]...)", "concat(<list>, [for x in <list> : [x] if <bool>]...)", "slice(<list>, 0, <number>)", "<string>[*]", "distinct(<list>)",
		},
		"map": {
			"{ (<string>) = <string> }", "{ a = <string>, b = <string> }", "{ for x in <list> : x => <string> }", "{ for k, v in <map> : k => v if <bool> }", "{ for k, v in <map> : <string> => v... }", "merge(<map>, <map>)",
			"<bool> ? <map> : <map>", "zipmap(<list>, <list>)", "{ a = <map>, b = <map> }[<string>]", "merge(<map>, [for x in <list> : <map> if <bool>]...)",
		},
	}
	rapid.Check(t, func(r *rapid.T) {
		var build func(kind string, depth int) string
		build = func(kind string, depth int) string {
			if depth == 0 || rapid.IntRange(0, 3).Draw(r, "leaf") == 0 {
				return rapid.SampledFrom(leaves[kind]).Draw(r, kind)
			}
			form := rapid.SampledFrom(forms[kind]).Draw(r, kind)
			for _, k := range []string{"string", "number", "bool", "list", "map"} {
				for strings.Contains(form, "<"+k+">") {
					form = strings.Replace(form, "<"+k+">", "("+build(k, depth-1)+")", 1)
				}
			}
			return form
		}
		text := build(rapid.SampledFrom(slices.Sorted(maps.Keys(forms))).Draw(r, "kind"), 3)
		checkMarks(r, worlds(t), text)
	})
}
