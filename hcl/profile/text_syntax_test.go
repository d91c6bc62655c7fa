package profile_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// A text in another encoding, or with a character that can't be in a text, is one mistake; a mark that says UTF-8 is none.
func TestEncoding(t *testing.T) {
	const text = "locals {\n  a = \"Größe\" # größer\n}\n"
	wide := func(order binary.ByteOrder, mark bool) []byte {
		units := utf16.Encode([]rune(text))
		if mark {
			units = append([]uint16{0xfeff}, units...)
		}
		out := make([]byte, 2*len(units))
		for i, u := range units {
			order.PutUint16(out[2*i:], u)
		}
		return out
	}
	utf32 := make([]byte, 0, 4*len(text))
	for _, r := range text {
		utf32 = binary.LittleEndian.AppendUint32(utf32, uint32(r))
	}
	for name, c := range map[string]struct {
		src  []byte
		line int
		want string
	}{
		"UTF-16LE with a mark":        {wide(binary.LittleEndian, true), 1, "UTF-16"},
		"UTF-16BE with a mark":        {wide(binary.BigEndian, true), 1, "UTF-16"},
		"UTF-16LE":                    {wide(binary.LittleEndian, false), 1, "UTF-16"},
		"UTF-16BE":                    {wide(binary.BigEndian, false), 1, "UTF-16"},
		"UTF-32 with a mark":          {append([]byte{0xff, 0xfe, 0, 0}, utf32...), 1, "UTF-32"},
		"UTF-32":                      {utf32, 1, "UTF-32"},
		"Latin-1 in a text":           {[]byte("locals {\n  a = \"Gr\xf6\xdfe\"\n}\n"), 2, "0xf6"},
		"Latin-1 in a comment":        {[]byte("locals {\n  a = 1 # gr\xf6\xdfer\n}\n"), 2, "Latin-1"},
		"a byte in a heredoc":         {[]byte("locals {\n  a = <<EOT\n\xff\nEOT\n}\n"), 3, "0xff"},
		"a character cut in half":     {[]byte("locals {\n  a = \"\xc3\"\n}\n"), 2, "0xc3"},
		"NUL in a text":               {[]byte("locals {\n  a = \"x\x00y\"\n}\n"), 2, "U+0000"},
		"NUL at the end":              {[]byte("locals {\n  a = 1\n}\n\x00"), 4, "U+0000"},
		"an escape sequence":          {[]byte("locals {\n  a = 1 # \x1b[1m\n}\n"), 2, "U+001B"},
		"a mark in the middle":        {[]byte("locals {\n  \xef\xbb\xbfa = 1\n}\n"), 2, "U+FEFF"},
		"a mark for UTF-8":            {[]byte("\xef\xbb\xbf" + text), 0, ""},
		"a mark for UTF-8, with CRLF": {[]byte("\xef\xbb\xbf" + strings.ReplaceAll(text, "\n", "\r\n")), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, diags := profile.LoadBytes(c.src, "p.hcl", profile.Options{})
			errs, _ := diag.Split(diags)
			_, formatErrs := profile.FormatFile(c.src, "p.hcl")
			if c.want == "" {
				require.Empty(t, errs)
				require.Empty(t, formatErrs)
				return
			}
			require.Len(t, errs, 1)
			require.Len(t, formatErrs, 1)
			require.Equal(t, c.line, errs[0].Subject.Start.Line)
			require.Contains(t, shown(p, errs[0]), c.want)
		})
	}
	formatted, diags := profile.Format(append([]byte("\xef\xbb\xbf"), text...))
	require.Empty(t, diags)
	require.Equal(t, text, string(formatted))
}

// A heredoc that goes on to the end of the file is reported where it begins, with the line that was meant to end it.
func TestHeredocWithoutEnd(t *testing.T) {
	for end, want := range map[string]string{
		"":            "Write EOT on a line of its own",
		"  EO\n":      "Write EOT on a line of its own",
		"EOT, 1\n":    "On line 4, EOT must be alone",
		"  EOT)\n":    "On line 4, EOT must be alone",
		"eot\n":       "On line 4 it must be spelled as here: EOT",
		"EOT # end\n": "On line 4, EOT must be alone",
	} {
		src := "locals {\n  a = <<-EOT\n  text\n" + end + "}\nmachine \"m\" {\n  kind = \"api\"\n}\n"
		p, diags := profile.LoadBytes([]byte(src), "p.hcl", profile.Options{})
		errs, _ := diag.Split(diags)
		require.Len(t, errs, 1, "%q: %s", end, diags)
		require.Equal(t, 2, errs[0].Subject.Start.Line)
		require.Equal(t, "The heredoc EOT has no end", errs[0].Summary)
		require.Contains(t, shown(p, errs[0]), want)
	}
}

// However much is wrong, each outermost block has one mistake, and it takes no longer than reading does.
func TestManyMistakes(t *testing.T) {
	var src bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&src, "machine \"m%d\" {\n  kind = \"api\n  driver = 'exec'\n  env = {{\n}\n", i)
	}
	start := time.Now()
	_, diags := profile.LoadBytes(src.Bytes(), "p.hcl", profile.Options{})
	require.Less(t, time.Since(start), 20*time.Second)
	require.Len(t, diags, 2000)
	for i, d := range diags {
		require.Equal(t, 5*i+2, d.Subject.Start.Line)
	}
}
