package profile

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// byteOrderMark is what some editors put before UTF-8 text. It means nothing, and is read over.
var byteOrderMark = []byte("\xef\xbb\xbf")

// notText reports a source that isn't UTF-8 text, as one mistake: in another encoding, every character would be one.
func notText(src []byte, name string) *hcl.Diagnostic {
	if encoding := otherEncoding(src); encoding != "" {
		return diag.Error(startOf(name), "The file is not UTF-8 text", fmt.Sprintf("It is encoded as %s.", encoding), "Save it as UTF-8.")
	}
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return diag.Error(rangeAt(src, name, i, size), "The file is not UTF-8 text", fmt.Sprintf("The byte %#x here is not valid UTF-8; it may be of another encoding, such as Latin-1.", src[i]), "Save it as UTF-8, or replace the character.")
		case r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == '\x7f':
			return diag.Error(rangeAt(src, name, i, size), "Control character", fmt.Sprintf("The character U+%04X can't stand in a profile.", r), "Remove it, or write it in a text as \\u"+fmt.Sprintf("%04x", r)+".")
		}
		i += size
	}
	return nil
}

// otherEncoding returns the name of the encoding of a text with two or four bytes per character, or "".
func otherEncoding(src []byte) string {
	head := src[:min(len(src), 64)]
	switch {
	case bytes.HasPrefix(src, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(src, []byte{0, 0, 0xfe, 0xff}):
		return "UTF-32"
	case bytes.HasPrefix(src, []byte{0xff, 0xfe}), bytes.HasPrefix(src, []byte{0xfe, 0xff}):
		return "UTF-16"
	}
	zeros := bytes.Count(head, []byte{0})
	switch {
	case zeros*4 >= len(head)*3 && len(head) > 3:
		return "UTF-32"
	case zeros*5 >= len(head)*2 && len(head) > 1:
		return "UTF-16"
	default:
		return ""
	}
}
