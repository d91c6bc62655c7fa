package profile

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/emprops/machinectl/hcl/diag"
)

// characters finds the first character that can't stand where it does, quotation mark that is missing, or heredoc without an end.
func (s *syntaxScan) characters() *hcl.Diagnostic {
	var open []hclsyntax.Token // quotation marks, heredocs and template sequences
	for i, t := range s.tokens {
		switch t.Type {
		case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, t)
		case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			open = open[:max(0, len(open)-1)]
		case hclsyntax.TokenQuotedNewline:
			return s.quotation(open, t.Range)
		case hclsyntax.TokenSlash:
			if i+1 < len(s.tokens) && s.tokens[i+1].Type == hclsyntax.TokenStar && s.before(s.tokens[i+1].Range.Start) == '/' {
				return diag.Error(hcl.RangeBetween(t.Range, s.tokens[i+1].Range), "The comment has no end", "It starts with /* and continues to the end of the file.", "Write */ where it ends, or # before a comment of one line.")
			}
		case hclsyntax.TokenStar:
			if s.before(t.Range.Start) == '*' {
				return diag.Error(t.Range, "Unknown operator **", "There is no operator for powers.", "Write the product, x * x.")
			}
		case hclsyntax.TokenEOF:
			for _, o := range open {
				if o.Type == hclsyntax.TokenOHeredoc {
					return s.heredoc(o)
				}
			}
			if len(open) > 0 && open[len(open)-1].Type == hclsyntax.TokenOQuote {
				return s.quotation(open, t.Range)
			}
		default:
			if d := s.character(t); d != nil {
				return d
			}
		}
	}
	return nil
}

// quotation explains a line on which a quotation mark is open at the end.
func (s *syntaxScan) quotation(open []hclsyntax.Token, end hcl.Range) *hcl.Diagnostic {
	if len(open) == 0 {
		return nil
	}
	quote := open[len(open)-1].Range
	text, start := s.line(quote.Start.Line)
	if n := len(open); n >= 3 && open[n-2].Type != hclsyntax.TokenOQuote && open[n-2].Range.Start.Line == quote.Start.Line && open[n-3].Type == hclsyntax.TokenOQuote {
		return diag.Error(open[n-2].Range, fmt.Sprintf("The %s is not closed", open[n-2].Bytes), "There is no } that belongs to it before the quotation mark.", "Write the missing }; for the characters themselves, $${.")
	}
	after := strings.TrimSpace(text[quote.End.Byte-start:])
	word := lastWord.FindString(text[:quote.Start.Byte-start])
	switch count := strings.Count(strings.ReplaceAll(text, `\"`, ""), `"`); {
	case count > 1:
		return diag.Error(quote, "A quotation mark is missing", fmt.Sprintf("The line has %d of them, and they come in pairs.", count), "Write one before and one after each text.")
	case word != "" && after == "":
		at := quote
		at.Start.Byte -= len(word)
		at.Start.Column -= utf8.RuneCountInString(word)
		return diag.Error(at, "A quotation mark is missing", "The text has one at its end only.", fmt.Sprintf("Write \"%s\".", word))
	default:
		quote.End = hcl.Pos{Line: quote.Start.Line, Column: end.Start.Column, Byte: end.Start.Byte}
		if end.Start.Line != quote.Start.Line {
			quote.End = quote.Start
		}
		advice := "A text of several lines is a heredoc: <<-EOT, the lines, and EOT on a line of its own."
		if plainText.MatchString(after) {
			advice = fmt.Sprintf("Write \"%s\". %s", after, advice)
		}
		return diag.Error(quote, "A quotation mark is missing", "A text begins here and isn't closed on this line.", advice)
	}
}

var (
	// lastWord is the word that a line ends with.
	lastWord = regexp.MustCompile(`[^\s"\[\](){}=,]+$`)
	// plainText is text that is nothing else.
	plainText = regexp.MustCompile(`^[^\s"\[\](){}=,#]+$`)
)

// heredoc explains a heredoc that continues to the end of the file.
func (s *syntaxScan) heredoc(open hclsyntax.Token) *hcl.Diagnostic {
	marker := strings.TrimLeft(strings.TrimSpace(string(open.Bytes)), "<-")
	at := open.Range
	at.End = hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + len(strings.TrimSpace(string(open.Bytes))), Byte: at.Start.Byte + len(strings.TrimSpace(string(open.Bytes)))}
	advice := fmt.Sprintf("Write %s on a line of its own, where the text ends.", marker)
	for number := at.Start.Line + 1; ; number++ {
		text, start := s.line(number)
		if start-s.start.Byte >= len(s.src) {
			break
		}
		if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, marker) && trimmed != marker {
			advice = fmt.Sprintf("On line %d, %s must be alone; move what follows it to the next line.", number, marker)
			break
		}
		if strings.EqualFold(strings.TrimSpace(text), marker) {
			advice = fmt.Sprintf("On line %d it must be spelled as here: %s.", number, marker)
			break
		}
	}
	return diag.Error(at, fmt.Sprintf("The heredoc %s has no end", marker), fmt.Sprintf("It ends at a line that contains only %s, and there is none.", marker), advice)
}

// character explains a token that is not part of the language.
func (s *syntaxScan) character(t hclsyntax.Token) *hcl.Diagnostic {
	text := string(t.Bytes)
	rest, start := s.line(t.Range.Start.Line)
	rest = rest[min(len(rest), t.Range.Start.Byte-start):]
	switch t.Type {
	case hclsyntax.TokenApostrophe, hclsyntax.TokenBacktick:
		return diag.Error(t.Range, "Wrong quotation mark", fmt.Sprintf("Text is written in double quotation marks, and this is %s.", text), quoted(rest, text, text))
	case hclsyntax.TokenSemicolon:
		return diag.Error(t.Range, "Semicolon", "Arguments are separated by line ends, and items of a list or map by commas.", "Put what follows on a line of its own.")
	case hclsyntax.TokenBitwiseAnd:
		return diag.Error(t.Range, "Unknown operator &", "There are no operators on bits.", "For “and”, write &&.")
	case hclsyntax.TokenBitwiseOr:
		return diag.Error(t.Range, "Unknown operator |", "There are no operators on bits.", "For “or”, write ||.")
	case hclsyntax.TokenBitwiseXor:
		return diag.Error(t.Range, "Unknown operator ^", "There is no operator for powers or bits.", "Write the product, x * x.")
	case hclsyntax.TokenBitwiseNot:
		return diag.Error(t.Range, "Unknown operator ~", "There are no operators on bits.", "For “not”, write !.")
	case hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8:
		return invalidCharacter(t.Range, text, rest)
	default:
		return nil
	}
}

func invalidCharacter(at hcl.Range, text, rest string) *hcl.Diagnostic {
	r, _ := utf8.DecodeRuneInString(text)
	switch {
	case strings.ContainsRune("“”„‟«»", r):
		return diag.Error(at, "Wrong quotation mark", fmt.Sprintf("Text is written in straight quotation marks, and this is %s.", text), quoted(rest, text, "“”„‟«»"))
	case strings.ContainsRune("‘’‚‛‹›´", r):
		return diag.Error(at, "Wrong quotation mark", fmt.Sprintf("Text is written in double quotation marks, and this is %s.", text), quoted(rest, text, "‘’‚‛‹›´"))
	case strings.HasPrefix(rest, "${"), strings.HasPrefix(rest, "%{"):
		return diag.Error(at, "A template outside of quotation marks", "${ } puts an expression into text; elsewhere, an expression is written without it.", unwrapped(rest))
	case r == '$':
		return diag.Error(at, "A dollar sign before a name", "Names are written without one.", "Write "+wordAfter(rest)+".")
	case strings.ContainsRune("–—−", r):
		return diag.Error(at, "Wrong dash", fmt.Sprintf("%s is not the sign for minus.", text), "Write -.")
	case strings.TrimSpace(text) == "" || strings.ContainsRune("\u200b\u200c\u200d\u2060\ufeff", r):
		return diag.Error(at, fmt.Sprintf("Unknown character U+%04X", r), "It looks like a space, or is invisible, but has another meaning.", "Replace it with a space.")
	default:
		return diag.Error(at, fmt.Sprintf("Unknown character %q", text), "It has no meaning in a profile.", "Remove it; if it belongs to a text, put the text in quotation marks.")
	}
}

// quoted returns the advice to write the text between two wrong quotation marks in right ones.
func quoted(rest, begin, ends string) string {
	inner := strings.TrimPrefix(rest, begin)
	if i := strings.IndexAny(inner, ends+`"`); i >= 0 {
		return fmt.Sprintf("Write \"%s\".", inner[:i])
	}
	return `Write ".`
}

func unwrapped(rest string) string {
	if i := strings.IndexByte(rest, '}'); i > 0 {
		return fmt.Sprintf("Write %s, or \"%s\" for a text.", strings.TrimSpace(rest[2:i]), rest[:i+1])
	}
	return "Leave out ${ and }."
}

func wordAfter(rest string) string {
	word := regexp.MustCompile(`^[\w.\[\]"-]+`).FindString(strings.TrimLeft(rest, "$"))
	if word == "" {
		return "it without"
	}
	return word
}
