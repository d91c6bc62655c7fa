package profile

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
)

// concealment is the lines of the sources that diagnostics must not show, because sensitive values are written there.
type concealment struct {
	lines map[string]map[int]bool // by file
}

func (c *concealment) add(at hcl.Range) {
	for line := at.Start.Line; line <= at.End.Line; line++ {
		c.addLine(at.Filename, line)
	}
}

func (c *concealment) addLine(file string, line int) {
	if c.lines == nil {
		c.lines = map[string]map[int]bool{}
	}
	if c.lines[file] == nil {
		c.lines[file] = map[int]bool{}
	}
	c.lines[file][line] = true
}

// concealed returns the sources as they may be shown: lines that must not be seen are empty.
func (l *loader) concealed() map[string][]byte {
	out := make(map[string][]byte, len(l.sources))
	for name, src := range l.sources {
		out[name] = emptied(src, l.conceal.lines[name])
	}
	return out
}

func emptied(src []byte, hidden map[int]bool) []byte {
	if len(hidden) == 0 {
		return src
	}
	lines := bytes.Split(src, []byte{'\n'})
	for i := range lines {
		if hidden[i+1] {
			lines[i] = nil
		}
	}
	return bytes.Join(lines, []byte{'\n'})
}

func wholeOf(name string, src []byte) hcl.Range {
	return hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.Pos{Line: bytes.Count(src, []byte{'\n'}) + 1, Column: 1, Byte: len(src)}}
}

// wrongSyntax reports what makes a source unreadable.
func (l *loader) wrongSyntax(name string, diags hcl.Diagnostics) {
	hidden := sensitiveLines(l.sources[name])
	for line := range hidden {
		l.conceal.addLine(name, line)
	}
	silence(diags, hidden)
	l.diags = append(l.diags, diags...)
}

// silence takes from what is said of the syntax of some lines the words about their text.
func silence(diags hcl.Diagnostics, hidden map[int]bool) {
	for _, d := range diags {
		if d.Subject != nil && hidden[d.Subject.Start.Line] {
			d.Summary, d.Detail, d.Extra = "Wrong syntax", "A sensitive value may be written here, so only the place is shown.", nil
		}
	}
}

// Conceal is like [Profile.Sources], for one file that isn't loaded: it may hold sensitive values, and its syntax is wrong, so
// that its blocks can't be told apart.
func Conceal(name string, src []byte) []byte { return emptied(src, unloadedLines(name, src)) }

func unloadedLines(name string, src []byte) map[int]bool {
	if strings.HasSuffix(name, varsEnding) {
		return allLines(src) // which of them is sensitive, only the profile knows
	}
	return sensitiveLines(src)
}

func allLines(src []byte) map[int]bool {
	all := map[int]bool{}
	for i := range bytes.Count(src, []byte{'\n'}) + 1 {
		all[i+1] = true
	}
	return all
}

// inputLines returns the lines of module blocks on which values of the module's variables are written out: which of those are
// sensitive, only the module knows.
func inputLines(src []byte) map[int]bool {
	hidden := map[int]bool{}
	inModule := false
	for i, line := range strings.Split(string(src), "\n") {
		switch {
		case moduleStart.MatchString(line):
			inModule = true
		case blockEnd.MatchString(line) || blockStart.MatchString(line):
			inModule = false
		}
		if inModule && !sourceLine.MatchString(line) && strings.ContainsAny(moduleStart.ReplaceAllString(line, ""), "=:\"") &&
			strings.ContainsFunc(writtenNames.ReplaceAllString(moduleStart.ReplaceAllString(line, ""), ""), isOfValue) {
			hidden[i+1] = true
		}
	}
	return hidden
}

func isOfValue(r rune) bool { return r == '"' || unicode.IsLetter(r) || unicode.IsDigit(r) }

var (
	moduleStart = regexp.MustCompile(`^\s*module\s+"?[\w-]+"?\s*`)
	sourceLine  = regexp.MustCompile(`^\s*source\s*=`)
	// writtenNames are the names of inputs, and what their values refer to.
	writtenNames = regexp.MustCompile(`(^|[{,])\s*"?[\w-]+"?\s*[=:]|\b(var|local|each)(\.[\w-]+)+|\b(true|false|null)\b`)
)

var (
	declarationStart = regexp.MustCompile(`^\s*(variable|environment)\b`)
	blockEnd         = regexp.MustCompile(`^\S*\}`)
	blockStart       = regexp.MustCompile(`^(\w+)\s*("|\{)`)
	harmlessLine     = regexp.MustCompile(`^\s*(type|description|sensitive)\s*=|^\s*$`)
	sensitiveSaid    = regexp.MustCompile(`\bsens\w*\s*=`)
	sensitiveDenied  = regexp.MustCompile(`\bsensitive\s*=\s*false\b`)
)

// sensitiveLines returns the lines of a text with wrong syntax on which a sensitive value may be written: those of variable and
// environment blocks that are marked as sensitive, except lines that can't hold the value, and the inputs of modules.
func sensitiveLines(src []byte) map[int]bool {
	hidden := inputLines(src)
	lines := strings.Split(string(src), "\n")
	for i := 0; i < len(lines); i++ {
		if !declarationStart.MatchString(lines[i]) {
			continue
		}
		end := i + 1
		for end < len(lines) && !blockEnd.MatchString(lines[end]) && !blockStart.MatchString(lines[end]) {
			end++
		}
		block := strings.Join(lines[i:end], "\n")
		if sensitiveSaid.MatchString(block) && !sensitiveDenied.MatchString(block) {
			for n := i; n < end; n++ {
				if n > i && !harmlessLine.MatchString(lines[n]) || n == i && strings.Contains(lines[n], "=") {
					hidden[n+1] = true
				}
			}
		}
		i = end - 1
	}
	return hidden
}
