package foreign

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Skip skips a value.
func (s *Scanner) Skip() { s.copy(&sink{limit: -1}) }

// Value reads a value of any kind and returns it as valid JSON. The second result is false if that would take more than limit
// bytes; the value is then skipped.
func (s *Scanner) Value(limit int) (json.RawMessage, bool) {
	w := &sink{limit: limit}
	s.copy(w)
	if s.err != nil || w.over {
		return nil, false
	}
	return w.Bytes(), true
}

// Number reads a number. The second result is false for anything else.
func (s *Scanner) Number() (float64, bool) {
	v, ok := s.scalar()
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(v, 64)
	return n, err == nil
}

// Bool reads true or false; anything else is false.
func (s *Scanner) Bool() bool {
	v, _ := s.scalar()
	return v == "true"
}

// scalar reads a number, true, false or null.
func (s *Scanner) scalar() (string, bool) {
	if s.Peek() != Other {
		s.Skip()
		return "", false
	}
	s.values++
	return s.word(), s.err == nil
}

// sink collects a value's text up to a limit; with a negative limit it collects nothing.
type sink struct {
	bytes.Buffer
	limit int
	over  bool
}

func (w *sink) put(text string) {
	if w.over = w.over || w.Len()+len(text) > w.limit; !w.over {
		_, _ = w.WriteString(text) // to memory
	}
}

// room returns how many bytes of a string are worth decoding.
func (w *sink) room() int { return max(w.limit-w.Len(), 0) }

// copy reads one value into w.
func (s *Scanner) copy(w *sink) {
	switch s.Peek() {
	case Broken:
	case Object:
		w.put("{")
		first := true
		s.each('}', func(bool) bool {
			s.comma(w, &first)
			s.quote(w)
			s.expect(':')
			w.put(":")
			s.copy(w)
			return true
		})
		w.put("}")
	case Array:
		w.put("[")
		first := true
		s.each(']', func(bool) bool {
			s.comma(w, &first)
			s.copy(w)
			return true
		})
		w.put("]")
	case String:
		s.values++
		s.quote(w)
	default:
		s.values++
		w.put(s.word())
	}
}

func (s *Scanner) comma(w *sink, first *bool) {
	if !*first {
		w.put(",")
	}
	*first = false
}

// quote copies a string.
func (s *Scanner) quote(w *sink) {
	text, whole := s.text(w.room())
	if !whole {
		w.over = true
		return
	}
	quoted, err := json.Marshal(text)
	if err != nil { // impossible for a string
		w.over = true
		return
	}
	w.put(string(quoted))
}

// text reads a string and returns at most limit bytes of it, and whether it is complete. What is left out begins at a
// character's first byte. Each byte that isn't UTF-8 becomes U+FFFD.
func (s *Scanner) text(limit int) (string, bool) {
	s.expect('"')
	var b []byte
	whole := true
	for s.err == nil {
		c := s.read()
		if c == '"' {
			break
		}
		if !whole && s.err == nil {
			if c == '\\' {
				s.read()
			}
			continue
		}
		if c == '\\' {
			b = s.escape(b)
		} else {
			b = append(b, c)
		}
		whole = len(b) <= limit+utf8.UTFMax // enough to tell whether the last character fits
	}
	text, fits := atMost(b, limit)
	return text, whole && fits && s.err == nil
}

// atMost returns b as UTF-8, and of that as many whole characters as the limit has room for.
func atMost(b []byte, limit int) (text string, whole bool) {
	var out strings.Builder
	for _, r := range string(b) {
		if out.Len()+utf8.RuneLen(r) > limit {
			return out.String(), false
		}
		out.WriteRune(r)
	}
	return out.String(), true
}

// escape reads what follows a backslash.
func (s *Scanner) escape(b []byte) []byte {
	switch c := s.read(); c {
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'u':
		return utf8.AppendRune(b, s.unicode())
	default: // a quote, a slash, a backslash; others stand for themselves, as in JavaScript
		return append(b, c)
	}
}

// unicode reads what follows \u: one code unit, or a pair of them.
func (s *Scanner) unicode() rune {
	r := s.unit()
	if !utf16.IsSurrogate(r) {
		return r
	}
	next, err := s.r.Peek(6)
	if err != nil || next[0] != '\\' || next[1] != 'u' {
		return utf8.RuneError
	}
	low, err := strconv.ParseUint(string(next[2:]), 16, 16)
	whole := utf16.DecodeRune(r, rune(low))
	if err != nil || whole == utf8.RuneError {
		return utf8.RuneError
	}
	_, _ = s.r.Discard(6) // Peek has buffered it
	s.offset += 6
	return whole
}

// unit reads four hexadecimal digits.
func (s *Scanner) unit() rune {
	var digits [4]byte
	for i := range digits {
		digits[i] = s.read()
	}
	v, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		s.fail("an escape without four digits")
		return utf8.RuneError
	}
	return rune(v)
}

// wordValues are the words that stand for values, in lower case.
var wordValues = map[string]string{"true": "true", "false": "false", "null": "null", "undefined": "null", "none": "null"}

// notFinite are the numbers that JSON doesn't have, in lower case. They may have a sign.
var notFinite = []string{"nan", "infinity", "inf"}

// word reads a number or a word and returns it as JSON.
func (s *Scanner) word() string {
	var b []byte
	for s.err == nil {
		next, err := s.r.Peek(1)
		if err != nil || !inWord(next[0]) { // a number may end the document
			break
		}
		if b = append(b, next[0]); len(b) > maxWord {
			s.fail("a word or number of more than 64 KiB")
		}
		s.take()
	}
	text := string(b)
	lower := strings.ToLower(text)
	if value, ok := wordValues[lower]; ok {
		return value
	}
	if slices.Contains(notFinite, strings.TrimLeft(lower, "+-")) {
		return "null"
	}
	if text == "" || !strings.ContainsAny(text, "0123456789") || !strings.ContainsRune("+-.0123456789", rune(text[0])) {
		s.fail("neither a value nor a number")
		return "null"
	}
	if n, err := strconv.ParseFloat(text, 64); (err != nil && math.IsInf(n, 0)) || !json.Valid(b) {
		return "null"
	}
	return text
}

func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '-' || c == '.' || c == '_'
}
