// Package docs holds the project's documentation; its tests hold code and documentation to the vocabulary in
// architecture.md.
package docs

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
		check(t, path, replaced)
		return nil
	})
	require.NoError(t, err)
}

// isText reports whether people read a file; the page with the table itself is left out.
func isText(path string) bool {
	switch filepath.Ext(path) {
	case ".go", ".lua", ".md", ".hcl", ".txtar":
		return filepath.Base(path) != "architecture.md" && !strings.HasSuffix(path, ".pb.go")
	default:
		return false
	}
}

// word is a pattern that is not to be used, and what is written instead.
type word struct {
	pattern *regexp.Regexp
	instead string
}

// replacedWords reads the rows of the table under "Words that are not used": a regular expression in backquotes, and what
// to write instead.
func replacedWords(t *testing.T) []word {
	page, err := os.ReadFile("architecture.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## Words that are not used")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var out []word
	for _, row := range regexp.MustCompile("(?m)^\\| `(.+?)` \\| (.+?) \\|$").FindAllStringSubmatch(section, -1) {
		pattern, err := regexp.Compile("(?i)" + strings.ReplaceAll(row[1], `\|`, "|"))
		require.NoError(t, err)
		out = append(out, word{pattern, row[2]})
	}
	return out
}

// plain is good English that looks like a word to replace.
var plain = regexp.MustCompile(`(?i)\bthere (is|are) no\b|\b(is|are) no (longer|more|such)\b`)

func check(t *testing.T, path string, replaced []word) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		line := plain.ReplaceAllString(lines.Text(), "")
		for _, w := range replaced {
			if found := w.pattern.FindString(line); found != "" {
				t.Errorf("%s:%d: %q: write %s", strings.TrimPrefix(path, "../"), n, found, w.instead)
			}
		}
	}
	require.NoError(t, lines.Err())
}
