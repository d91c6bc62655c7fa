package diag_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/diag"
)

const source = "machine \"gpu\" {\n\tmemmory = \"4GiB\"\n}\n"

func at(file string, line, from, to int) hcl.Range {
	return hcl.Range{Filename: file, Start: hcl.Pos{Line: line, Column: from}, End: hcl.Pos{Line: line, Column: to}}
}

func text(t *testing.T, p diag.Printer, diags ...*hcl.Diagnostic) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, p.Text(&b, diags))
	return b.String()
}

func TestText(t *testing.T) {
	p := diag.Printer{Sources: map[string][]byte{"a.hcl": []byte(source)}}
	unknown := diag.Error(at("a.hcl", 2, 2, 9), `Unknown argument "memmory"`, "A machine block has no argument of this name.", `Did you mean "memory"?`)

	require.Equal(t, `Error: Unknown argument "memmory"

  a.hcl:2:2
  2 | 	memmory = "4GiB"
    | 	^^^^^^^

  A machine block has no argument of this name.
  → Did you mean "memory"?

Warning: Not used

  b.hcl:7:1

Error: No profile given

  Name one.

`, text(t, p, unknown,
		diag.Warning(at("b.hcl", 7, 1, 2), "Not used", "", ""),
		diag.Error(hcl.Range{}, "No profile given", "Name one.", "")))
}

func TestTextColor(t *testing.T) {
	p := diag.Printer{Sources: map[string][]byte{"a.hcl": []byte(source)}, Color: true}
	require.Equal(t, "\x1b[31m\x1b[1mError:\x1b[0m\x1b[1m Wrong\x1b[0m\n\n"+
		"  a.hcl:2:2\n"+
		"  \x1b[2m2 |\x1b[0m \tmemmory = \"4GiB\"\n"+
		"  \x1b[2m  |\x1b[0m \t\x1b[31m^^^^^^^\x1b[0m\n\n"+
		"  \x1b[32m→\x1b[0m Write memory.\n\n",
		text(t, p, diag.Error(at("a.hcl", 2, 2, 9), "Wrong", "", "Write memory.")))
}

func TestTextWidth(t *testing.T) {
	long := `args = ["aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "wrong", "cccccccccccccccccccc", "dddddddddddd"]`
	p := diag.Printer{Sources: map[string][]byte{"a.hcl": []byte(long)}, Width: 48}
	require.Equal(t, `Error: One of these words is not like the others

  a.hcl:1:57
  1 | …bbbbbb", "wrong", "cccccccccccccccccccc"…
    |           ^^^^^^^

  An argument of a program is wrong here in a
  way that needs words.
  → Write it in another way, with as many words.

`, text(t, p, diag.Error(at("a.hcl", 1, 57, 64), "One of these words is not like the others",
		"An argument of a program is wrong here in a way that needs words.", "Write it in another way, with as many words.")))
}

func TestSnippetEdges(t *testing.T) {
	p := diag.Printer{Sources: map[string][]byte{"a.hcl": []byte("x = {\n  a = 1\n}\r\nü = \x1b[31m\n")}}
	for name, c := range map[string]struct {
		at   hcl.Range
		want string
	}{
		"several lines: to the end of the first": {
			hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 1, Column: 5}, End: hcl.Pos{Line: 3, Column: 2}},
			"  1 | x = {\n    |     ^\n",
		},
		"behind the end: one caret":        {at("a.hcl", 3, 2, 2), "  3 | }\n    |  ^\n"},
		"characters, not bytes":            {at("a.hcl", 4, 5, 6), "  4 | ü = \uFFFD[31m\n    |     ^\n"},
		"a line that isn't there":          {at("a.hcl", 9, 1, 2), ""},
		"an empty line":                    {at("a.hcl", 5, 1, 1), ""},
		"a position before the line's own": {at("a.hcl", 2, 0, 0), "  2 |   a = 1\n    | ^\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := text(t, p, diag.Error(c.at, "S", "", ""))
			_, got, _ = strings.Cut(got, "a.hcl:")
			_, got, _ = strings.Cut(got, "\n")
			require.Equal(t, c.want+"\n", got)
		})
	}
}

func TestCount(t *testing.T) {
	e, w := diag.Error(hcl.Range{}, "e", "", ""), diag.Warning(hcl.Range{}, "w", "", "")
	require.Equal(t, "", diag.Count(nil))
	require.Equal(t, "1 error", diag.Count(hcl.Diagnostics{e}))
	require.Equal(t, "2 errors, 1 warning", diag.Count(hcl.Diagnostics{e, w, e}))
}
