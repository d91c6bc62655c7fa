package view

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/compiler/plan"
)

func TestSides(t *testing.T) {
	long := strings.Repeat("x", 100)
	for name, c := range map[string]struct{ before, after, wantBefore, wantAfter string }{
		"ordinary values":        {"one", "two", "one", "two"},
		"numbers":                {"4", "6", "4", "6"},
		"a sentence":             {"a cat on a mat", "a dog on a mat", "a cat on a mat", "a dog on a mat"},
		"two spaces":             {"a  b", "a b", `"a··b"`, `"a·b"`},
		"a trailing space":       {"a", "a ", `"a"`, `"a·"`},
		"a leading space":        {" a", "a", `"·a"`, `"a"`},
		"a tab":                  {"a\tb", "a b", `"a\tb"`, `"a·b"`},
		"line ends":              {"a\r\nb", "a\nb", `"a\r\nb"`, `"a\nb"`},
		"a line end at the end":  {"a", "a\n", `"a"`, `"a\n"`},
		"a no-break space":       {"a b", "a\u00a0b", `"a·b"`, `"a\u00a0b"`},
		"a zero-width space":     {"ab", "a\u200bb", `"ab"`, `"a\u200bb"`},
		"a byte order mark":      {"a", "\ufeffa", `"a"`, `"\ufeffa"`},
		"a combining accent":     {"é", "e\u0301", `"\u00e9"`, `"e\u0301"`},
		"Hangul, taken apart":    {"가", "\u1100\u1161", `"\uac00"`, `"\u1100\u1161"`},
		"another script":         {"cat", "c\u0430t", `"cat"`, `"c\u0430t"`},
		"full width":             {"A1", "Ａ1", `"A1"`, `"\uff211"`},
		"not UTF-8":              {"a\xff", "a\xfe", `"a\xff"`, `"a\xfe"`},
		"the replacement itself": {"a\xff", "a\ufffd", `"a\xff"`, `"a\ufffd"`},
		"emoji":                  {"👍", "👎", "👍", "👎"},
		"quotes of its own":      {`"\"a\""`, `"a"`, `"\"a\""`, `"a"`},
		"an empty text":          {`""`, "a", `""`, "a"},
		"our own marks":          {"a·b…", "a b…", `"a\u00b7b\u2026"`, `"a·b\u2026"`},
		"backslashes":            {`a\n`, "a\n", `"a\\n"`, `"a\n"`},
		"after much that is equal": {
			long + "old", long + "new", `…"` + strings.Repeat("x", 6) + `old"`, `…"` + strings.Repeat("x", 6) + `new"`,
		},
		"before much that is equal": {
			"old" + long, "new" + long, `"old` + strings.Repeat("x", 22) + `"…`, `"new` + strings.Repeat("x", 22) + `"…`,
		},
		"longer by one": {long, long + "y", `…"` + strings.Repeat("x", 6) + `"`, `…"` + strings.Repeat("x", 6) + `y"`},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := sides(c.before, c.after, 30)
			require.Equal(t, [2]string{c.wantBefore, c.wantAfter}, [2]string{before, after})
		})
	}
}

// Two values that differ never look alike, and fit.
func TestSidesDiffer(t *testing.T) {
	alphabet := []rune("ab\"\\n·… \t\r\n\u00a0\u200b\ufeffé\u0301\u0430ａ\ufffd0")
	rapid.Check(t, func(t *rapid.T) {
		shared := rapid.StringOfN(rapid.SampledFrom(alphabet), 0, 120, -1)
		some := rapid.StringOfN(rapid.SampledFrom(alphabet), 0, 6, -1)
		head, tail := shared.Draw(t, "head"), shared.Draw(t, "tail")
		x, y := head+some.Draw(t, "before")+tail, head+some.Draw(t, "after")+tail
		if rapid.Bool().Draw(t, "bytes") {
			x += "\xff"
		}
		if x == y {
			t.Skip("equal")
		}
		limit := rapid.IntRange(leastSide, longest).Draw(t, "limit")
		before, after := sides(x, y, limit)
		require.NotEqual(t, before, after)
		for _, side := range []string{before, after} {
			require.LessOrEqual(t, utf8.RuneCountInString(side), limit+1)
			require.NotContains(t, side, "\n")
			require.NotRegexp(t, `[\t\r\x{a0}\x{200b}\x{feff}]|  $`, side)
		}
	})
}

// A whole plan shows them so at any width, and says where what is hidden differs.
func TestChangesDiffer(t *testing.T) {
	for _, width := range []int{0, 30, 60, 80, 200} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			var out strings.Builder
			s := Screen{W: &out, Width: width}
			s.Plan(&plan.Plan{Pools: []*plan.Pool{{Name: "p", Action: plan.Revise, Changes: []plan.Change{
				{What: "agent: env A", Before: strings.Repeat("word ", 40) + "old", After: strings.Repeat("word ", 40) + "new"},
				{What: "agent: env C", Before: "(sensitive)", After: "(sensitive)"},
			}}}})
			text := out.String()
			require.Regexp(t, `old" → .*new"`, text)
			require.Equal(t, 1, strings.Count(text, "(sensitive, changed)"), text)
		})
	}
}
