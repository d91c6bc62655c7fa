package profile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/profile"
)

// Whatever stands in a heredoc stays as it is: its indentation is text, or decides what is text.
func TestFormatHeredocs(t *testing.T) {
	for name, src := range map[string]string{
		"a template over several lines": "locals {\n  a = <<-EOT\n    one\n      ${\n        join(\",\",\n          [\"x\"])\n      }\n    two\n  EOT\n}\n",
		"the marker at the start":       "locals {\n  a = <<-EOT\none ${\n  1\n}\n  two\nEOT\n}\n",
		"a condition":                   "locals {\n  a = <<-EOT\n    %{ if true }\n      yes\n    %{ else }\n  no\n    %{ endif }\n  EOT\n}\n",
		"a loop over several lines":     "locals {\n  a = <<EOT\n%{ for x in [\n    1,\n  2,\n] }\n  ${x}\n%{ endfor }\nEOT\n}\n",
		"trim markers":                  "locals {\n  a = <<-EOT\n    %{~ if true ~}\n      ${~\n    1 ~}\n    %{~ endif ~}\n  EOT\n}\n",
		"tabs":                          "locals {\n  a = <<-EOT\n\t\tone ${\n\t1\n\t}\n\ttwo\n\tEOT\n}\n",
		"in a list":                     "locals {\n  a = [<<-EOT\n    x ${\n  1}\n  EOT\n    , \"y\",\n  ]\n}\n",
		"in a call":                     "locals {\n  a = upper(<<-EOT\n    x ${\n  1}\n  EOT\n  )\n}\n",
		"within another":                "locals {\n  a = <<-EOT\n    x ${upper(<<-IN\n          deep ${\n      1}\n        IN\n    )}\n    y\n  EOT\n}\n",
		"in an interpolation":           "locals {\n  a = \"x ${upper(<<-IN\n          deep ${\n      1}\n        IN\n  )}\"\n}\n",
		"brackets in the text":          "locals {\n  a = <<-EOT\n    { ( [ ${1} \" '\n  EOT\n  b = 1\n}\n",
		"nothing in it":                 "locals {\n  a = <<-EOT\n  EOT\n}\n",
		"two on consecutive lines":      "locals {\n  a = <<-A\n    ${\n  1}\n  A\n  b = <<-B\n    ${\n  2}\n  B\n}\n",
	} {
		for ending, src := range map[string]string{"LF": src, "CRLF": strings.ReplaceAll(src, "\n", "\r\n")} {
			t.Run(name+" "+ending, func(t *testing.T) { sameMeaning(t, src) })
		}
	}
}

// What follows a heredoc is formatted as if there were none.
func TestFormatAroundHeredocs(t *testing.T) {
	const heredoc = "<<-EOT\n    one ${\n            upper({\n  a = 1})\n    } two\n      { three\n    EOT\n"
	got, diags := profile.Format([]byte("machine \"m\" {\n service \"s\" {\n args = [\"x\",\n" + heredoc + ", \"y\"]\n a=" + heredoc + "bcd=1\n}\n}\n"))
	require.Empty(t, diags)
	require.Equal(t, "machine \"m\" {\n  service \"s\" {\n    args = [\"x\",\n      "+heredoc+"    , \"y\"]\n    a   = "+heredoc+"    bcd = 1\n  }\n}\n", string(got))
}

// Formatting changes nothing that a profile says, and formatting its own output changes nothing at all.
func TestFormatKeepsTheMeaning(t *testing.T) {
	for _, pattern := range []string{"../../examples/*/*.hcl", "testdata/*/*.hcl", "testdata/*/*/*.hcl", "../../compiler/testdata/*.hcl"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			if _, diags := profile.Format(src); !diags.HasErrors() {
				sameMeaning(t, string(src))
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		src := fmt.Sprintf("locals {\n%s}\n", strings.Join(rapid.SliceOfN(rapid.Custom(local), 1, 4).Draw(t, "locals"), ""))
		if rapid.Bool().Draw(t, "crlf") {
			src = strings.ReplaceAll(src, "\n", "\r\n")
		}
		if _, diags := hclsyntax.ParseConfig([]byte(src), "f.hcl", hcl.InitialPos); diags.HasErrors() {
			t.Skip(diags.Error())
		}
		sameMeaning(t, src)
	})
}

// local draws one argument of a locals block, in whatever form.
func local(t *rapid.T) string {
	name := rapid.StringMatching("[a-z]{1,6}").Draw(t, "name")
	return rapid.StringMatching("[ \t]{0,4}").Draw(t, "before") + name + rapid.SampledFrom([]string{"=", " = ", "   =  "}).Draw(t, "equals") + expression(t, 3) + "\n"
}

func expression(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth == 0 {
		kind = 0
	}
	space := rapid.SampledFrom([]string{"", " ", "\n", "\n    "}).Draw(t, "space")
	switch kind {
	case 1:
		return "[" + space + expression(t, depth-1) + space + "," + space + expression(t, depth-1) + "]"
	case 2:
		return "upper(" + space + expression(t, depth-1) + space + ")"
	case 3:
		return "\"a  ${" + space + expression(t, depth-1) + space + "}  b\""
	case 4, 5, 6:
		return heredoc(t, depth)
	default:
		return rapid.SampledFrom([]string{"1", "\"x  y\"", "true", "-2 + 3"}).Draw(t, "literal")
	}
}

func heredoc(t *rapid.T, depth int) string {
	indent := rapid.StringMatching("[ \t]{0,6}")
	marker := fmt.Sprintf("E%d", depth)
	var out strings.Builder
	out.WriteString(rapid.SampledFrom([]string{"<<", "<<-"}).Draw(t, "operator") + marker + "\n")
	for range rapid.IntRange(0, 4).Draw(t, "lines") {
		out.WriteString(indent.Draw(t, "indent"))
		switch rapid.IntRange(0, 4).Draw(t, "line") {
		case 0:
			out.WriteString("${\n" + indent.Draw(t, "inner") + expression(t, depth-1) + "\n" + indent.Draw(t, "end") + "}")
		case 1:
			out.WriteString("%{ if true }\n" + indent.Draw(t, "inner") + "yes ${" + expression(t, depth-1) + "\n}\n" + indent.Draw(t, "end") + "%{ endif }")
		case 2:
			out.WriteString(rapid.SampledFrom([]string{"text", "{", "]", "\"", "$${x}", "# no comment", "a = 1", "  "}).Draw(t, "text"))
		case 3:
			out.WriteString("${~ 1 ~}")
		default:
		}
		out.WriteString("\n")
	}
	return out.String() + indent.Draw(t, "close") + marker + "\n"
}

func sameMeaning(t require.TestingT, src string) {
	once, diags := profile.Format([]byte(src))
	require.Empty(t, diags, src)
	twice, diags := profile.Format(once)
	require.Empty(t, diags, string(once))
	require.Equal(t, string(once), string(twice), "formatting twice")
	require.Equal(t, tokens(t, []byte(src)), tokens(t, once), "tokens of\n%s\nand\n%s", src, once)
	require.Equal(t, heredocs(t, []byte(src)), heredocs(t, once), "heredocs of\n%s\nand\n%s", src, once)
	require.Equal(t, locals(t, []byte(src)), locals(t, once), "values of\n%s\nand\n%s", src, once)
}

// tokens is what a text consists of, without the space between it; the content of heredocs is as it was.
func tokens(t require.TestingT, src []byte) []string {
	lexed, diags := hclsyntax.LexConfig(src, "f.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors())
	var out []string
	for _, token := range lexed {
		switch token.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenEOF:
		case hclsyntax.TokenComment, hclsyntax.TokenCHeredoc:
			out = append(out, strings.TrimSpace(string(token.Bytes)))
		default:
			out = append(out, string(token.Bytes))
		}
	}
	return out
}

// heredocs are the texts of the outermost heredocs, byte for byte, with their markers.
func heredocs(t require.TestingT, src []byte) []string {
	lexed, diags := hclsyntax.LexConfig(src, "f.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors())
	var out []string
	depth, start := 0, 0
	for _, token := range lexed {
		switch token.Type {
		case hclsyntax.TokenOHeredoc:
			if depth++; depth == 1 {
				start = token.Range.Start.Byte
			}
		case hclsyntax.TokenCHeredoc:
			if depth--; depth == 0 {
				out = append(out, string(src[start:token.Range.End.Byte]))
			}
		}
	}
	return out
}

// locals are the values of a text's locals, where they can be calculated alone.
func locals(t require.TestingT, src []byte) map[string]cty.Value {
	file, diags := hclsyntax.ParseConfig(src, "f.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors())
	values := map[string]cty.Value{}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		for name, attr := range b.Body.Attributes {
			if v, diags := attr.Expr.Value(&hcl.EvalContext{Functions: profile.Functions()}); !diags.HasErrors() {
				values[name] = v
			}
		}
	}
	return values
}
