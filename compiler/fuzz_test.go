package compiler_test

import (
	"encoding/json"
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
		formatted, diags := profile.Format([]byte(src))
		if diags.HasErrors() {
			return
		}
		if twice, _ := profile.Format(formatted); string(twice) != string(formatted) {
			t.Fatalf("formatting again changes the text:\n%q\n%q", formatted, twice)
		}
		if !ok {
			return
		}
		if after, _, ok := compiled(t, files, string(formatted)); !ok || after != first {
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

// compiled is what the text becomes, as JSON, and what is said of it; ok means that it has no errors.
func compiled(t *testing.T, files fstest.MapFS, src string) (jobs, said string, ok bool) {
	p, diags := profile.LoadBytes([]byte(src), "profiles/f.hcl", profile.Options{FS: files})
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
