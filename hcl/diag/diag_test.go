package diag_test

import (
	"bytes"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/diag"
)

func TestSort(t *testing.T) {
	place := func(file string, offset int) hcl.Range {
		return hcl.Range{Filename: file, Start: hcl.Pos{Line: 1, Column: offset + 1, Byte: offset}, End: hcl.Pos{Line: 1, Column: offset + 2, Byte: offset + 1}}
	}
	sorted := diag.Sort(hcl.Diagnostics{
		diag.Error(place("z.hcl", 5), "z5", "", ""),
		diag.Error(place("a.hcl", 9), "a9", "", ""),
		diag.Error(place("z.hcl", 1), "z1", "", ""),
		diag.Error(place("other.hcl", 0), "other", "", ""),
		diag.Error(hcl.Range{}, "nowhere", "", ""),
		diag.Error(place("z.hcl", 1), "z1", "", ""),
		diag.Error(place("z.hcl", 1), "z1 too", "", ""),
	}, []string{"z.hcl", "a.hcl"})
	var names []string
	for _, d := range sorted {
		names = append(names, d.Summary)
	}
	require.Equal(t, []string{"nowhere", "z1", "z1 too", "z5", "a9", "other"}, names)
}

func TestSuggest(t *testing.T) {
	known := []string{"memory", "cpu", "cores", "disk", "file_size"}
	for given, want := range map[string]string{
		"memmory": "memory", "Memory": "memory", "mem": "memory", "cpus": "cpu", "core": "cores", "dsik": "disk", "me": "", "image": "", "": "", "size": "file_size",
	} {
		require.Equal(t, want, diag.Suggest(given, known), given)
	}
	require.Equal(t, `Did you mean "cpu"?`, diag.DidYouMean("cppu", known))
	require.Equal(t, "Known here: memory, cpu, cores, disk, file_size.", diag.DidYouMean("xyz", known))
	require.Empty(t, diag.DidYouMean("xyz", nil))
}

func TestSplitAndAdvice(t *testing.T) {
	e, w := diag.Error(hcl.Range{}, "e", "d", "do this"), diag.Warning(hcl.Range{}, "w", "", "")
	errs, warnings := diag.Split(hcl.Diagnostics{w, e, w})
	require.Equal(t, hcl.Diagnostics{e}, errs)
	require.Equal(t, hcl.Diagnostics{w, w}, warnings)
	require.Equal(t, "do this", diag.AdviceOf(e))
	require.Empty(t, diag.AdviceOf(w))
	require.Nil(t, e.Subject)
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	e := diag.Error(hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 2, Column: 2, Byte: 16}, End: hcl.Pos{Line: 2, Column: 9, Byte: 23}},
		`Unknown argument "memmory"`, "No <such> thing.", `Did you mean "memory"?`)
	require.NoError(t, diag.JSON(&b, hcl.Diagnostics{e, diag.Warning(hcl.Range{}, "w", "", "")}, map[string][]byte{"a.hcl": []byte(source)}))
	require.Equal(t, `{
  "errors": 1,
  "warnings": 1,
  "diagnostics": [
    {
      "severity": "error",
      "summary": "Unknown argument \"memmory\"",
      "detail": "No <such> thing.",
      "advice": "Did you mean \"memory\"?",
      "range": {
        "file": "a.hcl",
        "start": {
          "line": 2,
          "column": 2,
          "byte": 16
        },
        "end": {
          "line": 2,
          "column": 9,
          "byte": 23
        }
      },
      "snippet": "\tmemmory = \"4GiB\""
    },
    {
      "severity": "warning",
      "summary": "w"
    }
  ]
}
`, b.String())
	b.Reset()
	require.NoError(t, diag.JSON(&b, nil, nil))
	require.Contains(t, b.String(), `"diagnostics": []`)
}

// Whatever the range and the source, a snippet is printed without a panic and fits into the width.
func TestTextAnyRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.StringMatching(`[a-zü\t\n "=]{0,120}`).Draw(t, "src")
		pos := rapid.Custom(func(t *rapid.T) hcl.Pos {
			return hcl.Pos{Line: rapid.IntRange(-1, 8).Draw(t, "line"), Column: rapid.IntRange(-1, 130).Draw(t, "column")}
		})
		p := diag.Printer{Sources: map[string][]byte{"f": []byte(src)}, Width: rapid.IntRange(0, 90).Draw(t, "width")}
		var b bytes.Buffer
		r := hcl.Range{Filename: "f", Start: pos.Draw(t, "start"), End: pos.Draw(t, "end")}
		require.NoError(t, p.Text(&b, hcl.Diagnostics{diag.Error(r, "S", "", "")}))
	})
}
