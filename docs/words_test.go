// Package docs holds the project's documentation; its tests hold code and documentation to the vocabulary in
// architecture.md.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestWords looks for the words that architecture.md replaces, in code, documentation and messages.
func TestWords(t *testing.T) {
	replaced := replacedWords(t)
	require.Greater(t, len(replaced), 10, "the table of replaced words was not found")
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "bin" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || !isText(path):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range find(string(text), replaced) {
			t.Errorf("%s:%d: %q: write %s", strings.TrimPrefix(path, "../"), found.line, found.words, found.instead)
		}
		return nil
	})
	require.NoError(t, err)
}

// What is found, and what only looks like it.
func TestFind(t *testing.T) {
	replaced := []replacement{{"is no", "is not a"}, {"stranger", "foreign job"}}
	for text, want := range map[string]int{
		"a.go is no directory": 1, "It IS NO x\nis no y": 2, "There is no file.": 0, "it is no longer there": 0, "is not": 0, "is none": 0,
		"there\n// is no file": 0, "there\nis no file": 0, "is no moreover": 1, "there stranger": 1, "a stranger such as": 1, "it is no\nlonger there": 0,
		"a stranger": 1, "strangers": 0, "a strange r": 0,
	} {
		require.Len(t, find(text, replaced), want, text)
	}
}

// isText reports whether people read a file. The page with the table and this test are left out.
func isText(path string) bool {
	switch filepath.Ext(path) {
	case ".go", ".lua", ".md", ".hcl", ".txtar":
		return filepath.Base(path) != "architecture.md" && filepath.Base(path) != "words_test.go" && !strings.HasSuffix(path, ".pb.go")
	default:
		return false
	}
}

// replacement is what is written instead of words that are not to be used; words is lower-case.
type replacement struct{ words, instead string }

// replacedWords reads the table under "Words that are not used": words in backquotes, and what to write instead.
func replacedWords(t *testing.T) []replacement {
	page, err := os.ReadFile("architecture.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## Words that are not used")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var out []replacement
	for _, row := range regexp.MustCompile("(?m)^\\| (`.+`) \\| (.+?) \\|$").FindAllStringSubmatch(section, -1) {
		for _, words := range regexp.MustCompile("`(.+?)`").FindAllStringSubmatch(row[1], -1) {
			out = append(out, replacement{strings.ToLower(words[1]), row[2]})
		}
	}
	return out
}

type finding struct {
	replacement

	line int
}

// find looks for whole words, whatever their case.
func find(text string, replaced []replacement) []finding {
	var out []finding
	lower := strings.ToLower(text)
	for _, r := range replaced {
		for at := 0; ; {
			i := strings.Index(lower[at:], r.words)
			if i < 0 {
				break
			}
			start := at + i
			at = start + len(r.words)
			if whole(lower, start, at) && !fine(r.words, lower[:start], lower[at:]) {
				out = append(out, finding{r, 1 + strings.Count(lower[:start], "\n")})
			}
		}
	}
	return out
}

func whole(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return !unicode.IsLetter(before) && !unicode.IsLetter(after)
}

// fine reports whether "is no" or "are no" stands in good English: "there is no x", also if a line of text or of a comment ends
// after "there"; "is no longer", "is no more", "is no such".
func fine(words, before, after string) bool {
	if words != "is no" && words != "are no" {
		return false
	}
	if strings.HasSuffix(strings.TrimRight(before, " \t\n/#*>"), "there") {
		return true
	}
	next, _, _ := strings.Cut(strings.TrimLeft(after, " \t\n/#*>"), " ")
	return slices.Contains([]string{"longer", "more", "such"}, strings.TrimRight(next, ".,;:!?\n"))
}
