package foreign

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
)

const (
	maxDepth = 1000     // of nesting
	maxWord  = 64 << 10 // bytes of a number
	maxName  = 64 << 10 // bytes of a field's name; longer names are cut off
)

// NonsenseError is an answer that can't be read.
type NonsenseError struct {
	Offset int64 // of the first byte that makes no sense
	What   string
}

func (e *NonsenseError) Error() string {
	return fmt.Sprintf("not JSON: %s at byte %d", e.What, e.Offset)
}

// Kind is a value's kind.
type Kind byte

// The kinds.
const (
	Broken Kind = iota // nothing more can be read
	Object
	Array
	String
	Other // a number, true, false or null
)

// Scanner reads one document from front to back. Each of its methods reads one value. After an error they read nothing, and
// [Scanner.Err] returns the error.
type Scanner struct {
	r      *bufio.Reader
	offset int64
	depth  int
	values int // begun so far; shows a loop whether its body read a value
	err    error
}

// NewScanner returns a scanner that reads one document from r.
func NewScanner(r io.Reader) *Scanner {
	s := &Scanner{r: bufio.NewReader(r)}
	if mark, _ := s.r.Peek(3); string(mark) == "\xef\xbb\xbf" { // a read error is returned again later
		_, _ = s.r.Discard(3)
		s.offset = 3
	}
	return s
}

// Err returns why nothing more can be read, or nil.
func (s *Scanner) Err() error { return s.err }

// Peek returns the kind of the next value.
func (s *Scanner) Peek() Kind {
	switch s.space() {
	case 0:
		return Broken
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	default:
		return Other
	}
}

// Fields reads an object. It yields each field's name, for the loop's body to read the field's value; a value that the body
// doesn't read is skipped. For a value of another kind it yields nothing.
func (s *Scanner) Fields() iter.Seq[string] {
	return func(yield func(string) bool) {
		if s.Peek() != Object {
			s.Skip()
			return
		}
		s.each('}', func(more bool) bool {
			name, _ := s.text(maxName)
			s.expect(':')
			return s.item(more, func() bool { return yield(name) })
		})
	}
}

// Items reads an array as Fields reads an object. It yields each item's index.
func (s *Scanner) Items() iter.Seq[int] {
	return func(yield func(int) bool) {
		if s.Peek() != Array {
			s.Skip()
			return
		}
		i := -1
		s.each(']', func(more bool) bool {
			i++
			return s.item(more, func() bool { return yield(i) })
		})
	}
}

// each reads the items between brackets. next reads one item; more is what next returned before.
func (s *Scanner) each(closing byte, next func(more bool) bool) {
	s.values++
	s.take()
	if s.depth++; s.depth > maxDepth {
		s.fail("too many values inside each other")
	}
	for more, first := true, true; s.err == nil; first = false {
		c := s.space()
		if c == closing {
			s.take()
			break
		}
		if !first {
			s.expect(',')
			s.space()
		}
		if s.err == nil {
			more = next(more)
		}
	}
	s.depth--
}

// item lets body read one value, and skips it if body doesn't read it or has ended the loop.
func (s *Scanner) item(more bool, body func() bool) bool {
	if s.err != nil {
		return more
	}
	before := s.values
	if more {
		more = body()
	}
	if s.values == before {
		s.Skip()
	}
	return more
}

// Text reads a string, cut off after limit bytes. The second result reports whether the value was a string.
func (s *Scanner) Text(limit int) (string, bool) {
	if s.Peek() != String {
		s.Skip()
		return "", false
	}
	s.values++
	text, _ := s.text(limit)
	return text, s.err == nil
}

// take reads the byte that space returned.
func (s *Scanner) take() {
	if _, err := s.r.Discard(1); err == nil {
		s.offset++
	}
}

// read reads one byte; 0 after an error.
func (s *Scanner) read() byte {
	if s.err != nil {
		return 0
	}
	c, err := s.r.ReadByte()
	if err != nil {
		s.broken(err)
		return 0
	}
	s.offset++
	return c
}

// space skips white space and returns the byte after it without reading it; 0 after an error.
func (s *Scanner) space() byte {
	for s.err == nil {
		b, err := s.r.Peek(1)
		switch {
		case err != nil:
			s.broken(err)
		case b[0] == ' ', b[0] == '\t', b[0] == '\n', b[0] == '\r':
			s.take()
		case b[0] == 0:
			s.fail("a zero byte")
		default:
			return b[0]
		}
	}
	return 0
}

func (s *Scanner) expect(want byte) {
	if got := s.space(); s.err == nil && got != want {
		s.fail(fmt.Sprintf("%q instead of %q", got, want))
		return
	}
	s.take()
}

func (s *Scanner) broken(err error) {
	if errors.Is(err, io.EOF) {
		s.fail("it ends too early")
	} else if s.err == nil {
		s.err = err
	}
}

func (s *Scanner) fail(what string) {
	if s.err == nil {
		s.err = &NonsenseError{Offset: s.offset, What: what}
	}
}
