package compiler_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// FuzzCompile: whatever the text, loading and compiling end, without a panic, within a time; what has no errors compiles
// to the same bytes twice, and formatting the text changes neither the bytes nor, a second time, the text. Beside the
// text there are swaps, each two bytes: a line of the text, and a line of another profile that takes its place. They
// make wrong profiles whose syntax is right.
//
// The text is one file, or several: a line "-- name --" starts the next. They are in one directory, with modules below it; files
// named *.vars.hcl give variables their values.
func FuzzCompile(f *testing.F) {
	var lines []string
	for _, pattern := range []string{"testdata/*.hcl", "testdata/invalid/*.hcl", "../hcl/profile/testdata/valid/*.hcl", "../hcl/profile/testdata/invalid/*.hcl", "../examples/*/*.hcl", "../e2e/testdata/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(src), []byte{})
			f.Add(string(src), []byte{3, 9, 12, 200, 7, 77})
			lines = append(lines, strings.Split(string(src), "\n")...)
		}
	}
	for _, src := range severalFiles {
		f.Add(src, []byte{})
		f.Add(src, []byte{3, 9, 12, 200, 7, 77})
	}
	files := fstest.MapFS{
		"files/models.txt":          {Data: []byte("sdxl\n")},
		"modules/comfy/module.hcl":  {Data: []byte("variable \"image\" {}\nlocals { i = var.image }\n")},
		"files/start.sh.tmpl":       {Data: []byte("${name} ${port}")},
		"profiles/modules/m/me.hcl": {Data: []byte("module \"m\" { source = \"../m\" }")},
	}
	f.Fuzz(func(t *testing.T, src string, swaps []byte) {
		src = swapped(src, swaps, lines)
		start := time.Now()
		first, said, ok := compiled(t, files, src)
		if d := time.Since(start); d > 10*time.Second {
			t.Fatalf("it took %s", d)
		}
		again, saidAgain, okAgain := compiled(t, files, src)
		if first != again || said != saidAgain || ok != okAgain {
			t.Fatalf("the same text gives other bytes:\n%s%s\n%s%s", first, said, again, saidAgain)
		}
		formatted, formats := formattedFiles(t, src)
		if !formats || !ok {
			return
		}
		if after, _, ok := compiled(t, files, formatted); !ok || after != first {
			t.Fatalf("formatting changes the meaning:\n%s", formatted)
		}
	})
}

func swapped(src string, swaps []byte, lines []string) string {
	own := strings.Split(src, "\n")
	for i := 0; i+1 < min(len(swaps), 20); i += 2 {
		own[int(swaps[i])%len(own)] = lines[int(swaps[i+1])*len(lines)/256]
	}
	return strings.Join(own, "\n")
}

// severalFiles are texts of several files.
var severalFiles = []string{
	"module \"m\" {\n  source = \"./m\"\n  inputs = { token = \"x\", size = 2 }\n}\n-- m/m.hcl --\nvariable \"token\" { sensitive = true }\nvariable \"size\" { type = number }\n" + fuzzMachine,
	"variable \"token\" {\n  type = string\n}\nvariable \"size\" {\n  type = number\n}\n-- b.hcl --\n" + fuzzMachine + "-- v.vars.hcl --\ntoken = \"${upper(\"x\")}\"\nsize = 3\n",
	"variable \"token\" { default = [1] }\nlocals { l = [for n in [\"a\", \"b\"] : n] }\nvariable \"size\" { default = 1 }\n-- b.hcl --\n" + fuzzMachine +
		"pool \"q\" {\n  for_each = local.l\n  machine = machine.m\n  size { max = 1 }\n}\n-- a.vars.hcl --\nsize = 2\n-- b.vars.hcl --\ntoken = \"t\"\n",
	"module \"m\" {\n  source = \"./m\"\n}\npool \"r\" {\n  machine = module.m.machine.m\n  size { max = 1 }\n}\n-- m/a.hcl --\nmodule \"n\" { source = \"../n\" }\nlocals { size = 1 }\n" +
		"variable \"token\" { default = \"t\" }\nvariable \"size\" { default = 1 }\n-- m/b.hcl --\n" + fuzzMachine + "-- n/n.hcl --\nvariable \"x\" { default = 1 }\n",
}

// The texts of several files compile, or the fuzzing of them would not get beyond the first error.
func TestSeveralFilesCompile(t *testing.T) {
	for _, src := range severalFiles {
		jobs, said, ok := compiled(t, fstest.MapFS{}, src)
		if !ok || !strings.Contains(jobs, "image:1") {
			t.Errorf("%s\n%s", src, said)
		}
	}
}

const fuzzMachine = `
machine "m" {
  kind  = "api"
  image = "image:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent {
    redis = "redis://h:6379"
    args  = ["-x", var.token]
    env   = { TOKEN = var.token }
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = var.size }
}
`

// part is one of the files of a text.
type part struct{ header, name, text string }

func parts(src string) []part {
	list := []part{{name: "f.hcl"}}
	for line := range strings.Lines(src) {
		name, isHeader := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		name, ends := strings.CutSuffix(name, " --")
		if isHeader && ends && fs.ValidPath(name) && name != "." {
			list = append(list, part{header: line, name: name})
			continue
		}
		list[len(list)-1].text += line
	}
	return list
}

// formattedFiles formats each file; ok is false if one of them can't be. Formatting it again must change nothing.
func formattedFiles(t *testing.T, src string) (text string, ok bool) {
	t.Helper()
	for _, p := range parts(src) {
		formatted, diags := profile.Format([]byte(p.text))
		if diags.HasErrors() {
			return "", false
		}
		if twice, _ := profile.Format(formatted); string(twice) != string(formatted) {
			t.Fatalf("formatting again changes the text:\n%q\n%q", formatted, twice)
		}
		if len(formatted) > 0 && !strings.HasSuffix(string(formatted), "\n") {
			formatted = append(formatted, '\n') // so that the next file's header is a line
		}
		text += p.header + string(formatted)
	}
	return text, true
}

// compiled is what the text becomes, as JSON, and what is said of it; ok means that it has no errors.
func compiled(t *testing.T, beside fstest.MapFS, src string) (jobs, said string, ok bool) {
	t.Helper()
	files := maps.Clone(beside)
	opts := profile.Options{FS: files}
	own := map[string]bool{}
	for _, p := range parts(src) {
		path := "profiles/" + p.name
		if !own[path] {
			own[path], files[path] = true, &fstest.MapFile{}
			if strings.HasSuffix(p.name, ".vars.hcl") {
				opts.VarFiles = append(opts.VarFiles, path)
			}
		}
		files[path].Data = append(files[path].Data, p.text...)
	}
	p, diags := profile.Load([]string{"profiles"}, opts)
	var pools []*compiler.Pool
	if !diags.HasErrors() {
		var more hcl.Diagnostics
		pools, more = compiler.Compile(p)
		diags = append(diags, more...)
	}
	var b strings.Builder
	if err := (diag.Printer{Sources: p.Sources, Width: 80}).Text(&b, diags); err != nil {
		t.Fatal(err)
	}
	if diags.HasErrors() {
		return "", b.String(), false
	}
	var out strings.Builder
	for _, pool := range pools {
		if err := json.NewEncoder(&out).Encode(pool.Job); err != nil {
			t.Fatal(err)
		}
	}
	return out.String(), b.String(), true
}
