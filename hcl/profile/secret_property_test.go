package profile_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// corpus is every profile that is known to be valid, as files below one directory: what to load, by name.
func corpus(t testing.TB) (files fstest.MapFS, profiles map[string]profile.Options) {
	t.Helper()
	files, profiles = fstest.MapFS{}, map[string]profile.Options{}
	for _, root := range []string{"hcl/profile/testdata/valid", "hcl/profile/testdata/modules", "hcl/profile/testdata/files", "compiler/testdata", "examples"} {
		dir := filepath.Join("../..", root)
		require.NoError(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && (e.Name() == "invalid" || e.Name() == "fuzz"):
				return fs.SkipDir
			case e.IsDir():
				return nil
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel("../..", name)
			files[filepath.ToSlash(rel)] = &fstest.MapFile{Data: text}
			return err
		}))
	}
	for name := range files {
		if path.Ext(name) != ".hcl" || strings.HasSuffix(name, ".vars.hcl") || strings.Contains(name, "/modules/") {
			continue
		}
		if strings.Contains(name, "/valid/several/") || strings.HasPrefix(name, "examples/") {
			name = path.Dir(name)
		}
		if strings.Contains(name, "/regions/comfyui") {
			continue // a module
		}
		if name == "examples/monitoring" {
			continue // alerts, not a profile
		}
		o := profile.Options{FS: files}
		for _, vars := range []string{strings.TrimSuffix(name, ".hcl") + ".vars.hcl", name + "/given.vars.hcl"} {
			if files[vars] != nil {
				o.VarFiles = append(o.VarFiles, vars)
			}
		}
		if _, diags := profile.Load([]string{name}, o); diags.HasErrors() {
			t.Fatalf("%s is not valid: %s", name, diags)
		}
		profiles[name] = o
	}
	return files, profiles
}

// literal is an expression that stands for one value, in a file.
type literal struct {
	file string
	at   hcl.Range
}

// literals are those of all files that belong to a profile, its modules' too.
func literals(t testing.TB, files fstest.MapFS, p *profile.Profile) []literal {
	t.Helper()
	var list []literal
	for _, name := range p.Order {
		if files[name] == nil || strings.HasSuffix(name, ".vars.hcl") {
			continue
		}
		file, diags := hclsyntax.ParseConfig(files[name].Data, name, hcl.InitialPos)
		require.False(t, diags.HasErrors(), name)
		body, ok := file.Body.(*hclsyntax.Body)
		require.True(t, ok)
		_ = hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
			expr, ok := node.(hclsyntax.Expression)
			if !ok || len(expr.Variables()) > 0 {
				return nil
			}
			switch e := expr.(type) {
			case *hclsyntax.TemplateExpr, *hclsyntax.LiteralValueExpr, *hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr:
				text := string(e.Range().SliceBytes(files[name].Data))
				// A part of a template has no quotes of its own, and a heredoc is longer than its line.
				if _, diags := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos); diags.HasErrors() || strings.HasPrefix(text, "<<") || inTemplate(body, e) {
					return nil
				}
				if v, diags := e.Value(nil); !diags.HasErrors() && v.IsWhollyKnown() && !v.IsNull() {
					list = append(list, literal{name, e.Range()})
				}
			}
			return nil
		})
	}
	return list
}

// inTemplate reports whether an expression is text between the quotes of a template.
func inTemplate(body *hclsyntax.Body, e hclsyntax.Expression) bool {
	found := false
	_ = hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
		if template, ok := node.(*hclsyntax.TemplateExpr); ok {
			found = found || slices.ContainsFunc(template.Parts, func(part hclsyntax.Expression) bool { return part == e })
		}
		return nil
	})
	return found
}

// hide makes sensitive variables of literals, each of the value that stands there.
func hide(files fstest.MapFS, chosen []literal) fstest.MapFS {
	out, declared := maps.Clone(files), map[string]string{}
	chosen = slices.SortedFunc(slices.Values(chosen), func(a, b literal) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(b.at.Start.Byte, a.at.Start.Byte))
	})
	for i, one := range chosen {
		text := string(out[one.file].Data)
		before, value, after := text[:one.at.Start.Byte], text[one.at.Start.Byte:one.at.End.Byte], text[one.at.End.Byte:]
		name := fmt.Sprintf("hidden_%d", i)
		// First in the file: the validation of a variable sees those before it. From the last literal to the first one.
		declared[one.file] += fmt.Sprintf("variable %q {\n  sensitive = true\n  default   = %s\n}\n", name, value)
		out[one.file] = &fstest.MapFile{Data: []byte(before + "(var." + name + ")" + after)}
	}
	for file, blocks := range declared {
		out[file] = &fstest.MapFile{Data: []byte(blocks + string(out[file].Data))}
	}
	return out
}

// refusals are what is said of a sensitive value where it can't stand.
var refusals = []string{
	"Sensitive value in ", "for_each over a sensitive value", "Sensitive labels",
	`"var" can't be used here`, "Variables not allowed", // constants
}

// Whatever literal of a valid profile becomes a sensitive variable of the same value: the profile stays what it is, or the
// place of the value is named as one that doesn't take such values.
func TestEveryLiteralSensitive(t *testing.T) {
	files, profiles := corpus(t)
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		t.Run(name, func(t *testing.T) {
			opts := profiles[name]
			p, _ := profile.Load([]string{name}, opts)
			for _, one := range literals(t, files, p) {
				checkHidden(t, files, name, opts, dumped(p), []literal{one})
			}
		})
	}
}

// The same for several literals at once.
func TestLiteralsSensitive(t *testing.T) {
	files, profiles := corpus(t)
	names := slices.Sorted(maps.Keys(profiles))
	places := map[string][]literal{}
	whole := map[string]any{}
	for _, name := range names {
		p, _ := profile.Load([]string{name}, profiles[name])
		places[name], whole[name] = literals(t, files, p), dumped(p)
	}
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom(names).Draw(r, "profile")
		var chosen []literal
		for _, one := range rapid.SliceOfN(rapid.SampledFrom(places[name]), 2, 6).Draw(r, "literals") {
			overlaps := func(o literal) bool {
				return o.file == one.file && o.at.Start.Byte < one.at.End.Byte && one.at.Start.Byte < o.at.End.Byte
			}
			if !slices.ContainsFunc(chosen, overlaps) {
				chosen = append(chosen, one)
			}
		}
		checkHidden(r, files, name, profiles[name], whole[name], chosen)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

func checkHidden(t failer, files fstest.MapFS, name string, opts profile.Options, want any, chosen []literal) {
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("panic with %v: %v", chosen, r)
		}
	}()
	opts.FS = hide(files, chosen)
	p, diags := profile.Load([]string{name}, opts)
	refused := slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return slices.ContainsFunc(refusals, func(r string) bool { return strings.HasPrefix(d.Summary, r) })
	})
	if diags.HasErrors() && !refused {
		t.Fatalf("with %v:\n%s", chosen, shownOf(p, diags))
	}
	if !diags.HasErrors() && !reflect.DeepEqual(want, dumped(p)) {
		t.Fatalf("with %v the profile is another one", chosen)
	}
}

func shownOf(p *profile.Profile, diags hcl.Diagnostics) string {
	var b strings.Builder
	_ = diag.Printer{Sources: p.Sources}.Text(&b, diags)
	return b.String()
}

// dumped is what a profile says, without what is sensitive in it.
func dumped(p *profile.Profile) any {
	said := *p
	said.Sensitive = nil
	return dump(reflect.ValueOf(said))
}
