package profile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

func seeds(t testing.TB) []string {
	var out []string
	for _, pattern := range []string{"testdata/invalid/*.hcl", "testdata/valid/*.hcl", "../../examples/*/*.hcl"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			src, err := os.ReadFile(name)
			require.NoError(t, err)
			out = append(out, string(src))
		}
	}
	return out
}

// FuzzLoad: whatever the text, loading ends, without a panic, with diagnostics that can be printed, and in a profile
// whose pools have machines where there are no errors.
//
// The text is one file, or several: a line "-- name --" starts the next. They make a directory that is loaded as a whole, with
// modules below it; files named *.vars.hcl give variables their values, and the variable "canary", where there is one, is given
// a value that must not be shown if it is sensitive.
func FuzzLoad(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
		f.Add(s + "variable \"canary\" { sensitive = true }\nlocals { c = parseint(upper(var.canary), 10) }\n")
	}
	for _, s := range archives() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		opts := fuzzOptions(src)
		p, diags := profile.Load([]string{"."}, opts)
		if d := time.Since(start); d > 10*time.Second {
			t.Fatalf("loading took %s", d)
		}
		var b strings.Builder
		if err := (diag.Printer{Sources: p.Sources, Width: 80}).Text(&b, diags); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(src, "nonsensitive") && strings.Contains(src, canaryDeclared) && strings.Contains(b.String(), opts.Vars["canary"]) {
			t.Fatalf("the sensitive value is shown:\n%s", b.String())
		}
		if diags.HasErrors() {
			return
		}
		for _, pool := range p.Pools {
			if pool.Machine == nil || pool.Max < 1 || pool.Min > pool.Max || len(pool.Machine.Workers) == 0 {
				t.Fatalf("no errors, and pool %q is not complete", pool.Name)
			}
		}
	})
}

// canaryDeclared matches the declaration that the canary is sensitive.
const canaryDeclared = "variable \"canary\" { sensitive = true }"

func fuzzOptions(src string) profile.Options {
	opts := profile.Options{FS: fstest.MapFS{}}
	files, name := fstest.MapFS{}, "f.hcl"
	for line := range strings.Lines(src) {
		if next, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(next, " --") && fs.ValidPath(strings.TrimSuffix(next, " --")) {
			name = strings.TrimSuffix(next, " --")
		}
		if files[name] == nil {
			files[name] = &fstest.MapFile{}
			if strings.HasSuffix(name, ".vars.hcl") {
				opts.VarFiles = append(opts.VarFiles, name)
			}
		}
		if !strings.HasPrefix(line, "-- ") {
			files[name].Data = append(files[name].Data, line...)
		}
	}
	opts.FS = files
	if strings.Contains(src, "variable \"canary\"") {
		opts.Vars = map[string]string{"canary": "qzxjkvwpbfyg"}
	}
	return opts
}

// archives are texts of several files.
func archives() []string {
	const machine = `
machine "m" {
  kind  = "api"
  image = "image:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent {
    redis = "redis://h:6379"
    env   = { TOKEN = var.token }
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
`
	return []string{
		canaryDeclared + "\nmodule \"m\" {\n  source = \"./m\"\n  inputs = { token = \"${var.canary}x\" }\n}\n-- m/m.hcl --\nvariable \"token\" { sensitive = true }\n" + machine,
		canaryDeclared + "\nvariable \"token\" {\n  sensitive = true\n  type = object({ a = string, b = optional(number, 1) })\n}\n" +
			strings.ReplaceAll(machine, "var.token }", "var.token.a, CANARY = var.canary }") + "-- v.vars.hcl --\ntoken = { a = \"x\" }\n",
		canaryDeclared + "\nvariable \"token\" { default = 1 }\npool \"q\" {\n  for_each = { a = var.canary }\n  machine = machine.m\n  size { max = 1 }\n}\n-- g.hcl --" + machine,
		canaryDeclared + "\nvariable \"token\" {}\nlocals { t = templatefile(\"t.tmpl\", { a = var.canary, l = [var.canary] }) }\n-- g.hcl --" + machine +
			"-- t.tmpl --\n${parseint(a, 10)} %{ for x in l }${x}%{ endfor }\n-- a.vars.hcl --\ntoken = \"a\"\n-- b.vars.hcl --\ntoken = [\n",
	}
}

// The same text gives the same profile and the same diagnostics, also when it is a wild mixture.
func TestLoadIsDeterministic(t *testing.T) {
	var lines []string
	for _, s := range seeds(t) {
		lines = append(lines, strings.Split(s, "\n")...)
	}
	all := seeds(t)
	rapid.Check(t, func(t *rapid.T) {
		src := strings.Split(rapid.SampledFrom(all).Draw(t, "file"), "\n")
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			src[rapid.IntRange(0, len(src)-1).Draw(t, "line")] = rapid.SampledFrom(lines).Draw(t, "by")
		}
		text := []byte(strings.Join(src, "\n"))
		p1, d1 := profile.LoadBytes(text, "f.hcl", profile.Options{})
		p2, d2 := profile.LoadBytes(text, "f.hcl", profile.Options{})
		require.Equal(t, dump(reflect.ValueOf(p1)), dump(reflect.ValueOf(p2)))
		var b1, b2 strings.Builder
		require.NoError(t, diag.JSON(&b1, d1, p1.Sources))
		require.NoError(t, diag.JSON(&b2, d2, p2.Sources))
		require.Equal(t, b1.String(), b2.String())
	})
}
