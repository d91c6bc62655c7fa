package profile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format writes profile text in the canonical form: indentation by two spaces, equals signs aligned, a line end
// at the end. It changes no meaning, and formatting twice is the same as once. A heredoc stays as it is, to the byte: its
// layout is the author's text. What has wrong syntax is returned as it is, with the errors.
func Format(src []byte) ([]byte, hcl.Diagnostics) { return FormatFile(src, "profile") }

// FormatFile is like [Format], with the file's name in the diagnostics.
func FormatFile(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	given := src
	src = bytes.TrimPrefix(src, byteOrderMark)
	diags := unparsed(src, filename)
	if diags == nil {
		if _, wrong := hclsyntax.ParseConfig(src, filename, hcl.InitialPos); wrong.HasErrors() {
			diags = syntaxErrors(src, filename, wrong)
		}
	}
	if diags.HasErrors() {
		silence(diags, unloadedLines(filename, src))
		return given, diags
	}
	plain, texts := takeHeredocs(src)
	out := formatOnce(plain)
	// The formatter aligns what it sees on a line; aligning can need a second look.
	for range 4 {
		again := formatOnce(out)
		if bytes.Equal(again, out) {
			return []byte(strings.NewReplacer(texts...).Replace(string(out))), nil
		}
		out = again
	}
	// It never comes to rest, which means that there is something in the text that it doesn't understand.
	return src, nil
}

func formatOnce(src []byte) []byte {
	out := hclwrite.Format(src)
	if len(bytes.TrimSpace(out)) == 0 {
		return nil
	}
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	return out
}

// heredocs are the heredocs of a text, each after the empty one that stands in for it while the rest is formatted: the formatter
// would take the lines within ${ … } for the profile's own, and count their brackets.
type heredocs []string // pairs: the stand-in, the text

// takeHeredocs replaces each heredoc that isn't within another one.
func takeHeredocs(src []byte) (plain []byte, texts heredocs) {
	mark := "HEREDOC"
	for bytes.Contains(src, []byte(mark)) {
		mark += "_"
	}
	done := 0
	for _, at := range closedHeredocs(src) {
		name := fmt.Sprintf("%s%d", mark, len(texts)/2)
		stand := fmt.Sprintf("<<%s\n%s", name, name)
		texts = append(texts, stand, string(src[at[0]:at[1]]))
		plain = append(append(plain, src[done:at[0]]...), stand...)
		done = at[1]
	}
	return append(plain, src[done:]...), texts
}
