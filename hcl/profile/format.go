package profile

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format writes profile text in the canonical form: indentation by two spaces, equals signs aligned, a line end
// at the end. It changes no meaning, and formatting twice is the same as once. What has
// wrong syntax is returned as it is, with the errors.
func Format(src []byte) ([]byte, hcl.Diagnostics) { return FormatFile(src, "profile") }

// FormatFile is [Format] with the file's name in the diagnostics.
func FormatFile(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	if d := refused(src, filename); d != nil {
		return src, hcl.Diagnostics{d}
	}
	if _, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos); diags.HasErrors() {
		return src, diags
	}
	out := formatOnce(src)
	// The formatter aligns what it sees on a line; aligning can need a second look.
	for range 4 {
		again := formatOnce(out)
		if bytes.Equal(again, out) {
			return out, nil
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
