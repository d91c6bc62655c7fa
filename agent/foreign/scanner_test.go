package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestWhatServersWrite(t *testing.T) {
	for in, want := range map[string]string{
		`[NaN, Infinity, -Infinity]`:          `[null,null,null]`,
		`{"a": nan, "b": [inf, -inf, -nan]}`:  `{"a":null,"b":[null,null,null]}`,
		`[undefined, None, True, False]`:      `[null,null,true,false]`,
		`"NaN, \"Infinity\" and [NaN]"`:       `"NaN, \"Infinity\" and [NaN]"`,
		`{"NaN": "\\", "x": NaN}`:             `{"NaN":"\\","x":null}`,
		`18446744073709551615`:                `18446744073709551615`,
		`123456789012345678901234567890`:      `123456789012345678901234567890`,
		`-0.10000000000000000055511151231257`: `-0.10000000000000000055511151231257`,
		`[1e999, -1e999, 1e-999, 5e-324]`:     `[null,null,1e-999,5e-324]`,
		`[+1, .5, 5., 007, 0x1F, 1_000]`:      `[null,null,null,null,null,null]`,
		`"\ud83d\ude00"`:                      `"😀"`,
		`"a\ud800b"`:                          `"a�b"`,
		`"\udc00\ud800"`:                      `"��"`,
		`"\ud800\u0041"`:                      `"�A"`,
		"\"a\xff\xc3\"":                       `"a��"`,
		"\"tab\tline\nend\"":                  `"tab\tline\nend"`,
		"\xef\xbb\xbf{\"a\":1}":               `{"a":1}`,
		`{"a":1,"a":2}`:                       `{"a":1,"a":2}`,
		"  [ ] ":                              `[]`,
		`{ }`:                                 `{}`,
		`"é"`:                                 `"é"`,
	} {
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in))} {
			s := NewScanner(r)
			got, ok := s.Value(1 << 20)
			require.NoError(t, s.Err(), "%s %s", in, name)
			require.True(t, ok)
			require.Equal(t, want, string(got), "%s %s", in, name)
		}
	}
}

func TestNonsense(t *testing.T) {
	for _, in := range []string{
		"", " ", "<!DOCTYPE html><html></html>", "<", "Bad Gateway", "{", "[", `"`, `"\`, `"\u12`, `{"a"`, `{"a":`, `{"a":1`, `[1`, `[1,`, `[1 2]`, `{"a" 1}`,
		`{a: 1}`, `[}`, `{]`, `{"a":1]`, "nil", "tru", "-", "+", ".", "\x00", "[\x00]", "'a'", strings.Repeat("[", 2000) + strings.Repeat("]", 2000), strings.Repeat("9", 70000),
	} {
		s := NewScanner(strings.NewReader(in))
		_, ok := s.Value(1 << 20)
		require.False(t, ok, "%.40q", in)
		_, nonsense := errors.AsType[*NonsenseError](s.Err())
		require.True(t, nonsense, "%.40q: %v", in, s.Err())
	}
}

// TestConnectionBreaks: a broken connection is not a NonsenseError.
func TestConnectionBreaks(t *testing.T) {
	s := NewScanner(io.MultiReader(strings.NewReader(`{"a": [1, `), iotest.ErrReader(io.ErrUnexpectedEOF)))
	s.Skip()
	require.Equal(t, io.ErrUnexpectedEOF, s.Err())
}

// TestFields: values that aren't read are skipped, whatever they are.
func TestFields(t *testing.T) {
	s := NewScanner(strings.NewReader(`{"x": {"deep": [NaN, {"y": "\ud800"}]}, "name": "a", "wrong": [5], "list": ["p", 7, {"q": 1}], "n": 2.5, "yes": true, "last": {"k": [1]}}`))
	got := map[string]any{}
	for name := range s.Fields() {
		switch name {
		case "name", "wrong":
			text, ok := s.Text(100)
			got[name], got[name+"?"] = text, ok
		case "list":
			for i := range s.Items() {
				if i == 1 {
					break // the rest is skipped
				}
				got["first"], _ = s.Text(100)
			}
		case "n":
			got[name], _ = s.Number()
		case "yes":
			got[name] = s.Bool()
		case "last":
			raw, _ := s.Value(100)
			got[name] = string(raw)
		}
	}
	require.NoError(t, s.Err())
	require.Equal(t, map[string]any{"name": "a", "name?": true, "wrong": "", "wrong?": false, "first": "p", "n": 2.5, "yes": true, "last": `{"k":[1]}`}, got)
}

func TestLimits(t *testing.T) {
	s := NewScanner(strings.NewReader(`["` + strings.Repeat(`é\n`, 500) + `", [1,2,3], "abc"]`))
	for i := range s.Items() {
		switch i {
		case 0:
			_, ok := s.Value(100)
			require.False(t, ok, "too long")
		case 1:
			raw, ok := s.Value(7)
			require.True(t, ok)
			require.Equal(t, "[1,2,3]", string(raw))
		case 2:
			text, ok := s.Text(2)
			require.True(t, ok)
			require.Equal(t, "ab", text)
		}
	}
	require.NoError(t, s.Err())
}

// Text keeps to its limit in bytes, whatever the bytes are, and doesn't end within a character.
func TestTextIsCutBetweenCharacters(t *testing.T) {
	for in, want := range map[string]string{
		"abcdef": "abcd", "abc": "abc", "aéé": "aé", "aééx": "aé", "éé": "éé", "ééé": "éé", "aaaé": "aaa", "€€": "€", "😀": "😀", "a😀": "a",
		"\xff": "\uFFFD", "\xff\xff\xff\xff": "\uFFFD", "abc\xe6\x97": "abc", `\u00e9\u00e9\u00e9`: "éé", `abc\ud83d\ude00`: "abc", `aaaa\"`: "aaaa",
	} {
		s := NewScanner(strings.NewReader(`["` + in + `", "next"]`))
		var got []string
		for range s.Items() {
			text, ok := s.Text(4)
			require.True(t, ok, in)
			got = append(got, text)
		}
		require.NoError(t, s.Err(), in)
		require.Equal(t, []string{want, "next"}, got, in)
	}
}

// Only numbers have a sign.
func TestSignsOfWords(t *testing.T) {
	for _, word := range []string{"-Infinity", "+inf", "NaN", "-nan", "None"} {
		value, ok := NewScanner(strings.NewReader(word)).Value(100)
		require.True(t, ok, word)
		require.Equal(t, "null", string(value), word)
	}
	for _, word := range []string{"-true", "+null", "--false", "-None", "+undefined"} {
		s := NewScanner(strings.NewReader(word))
		_, ok := s.Value(100)
		require.False(t, ok, word)
		require.Error(t, s.Err(), word)
	}
}

// FuzzValue: any input yields valid JSON, and valid JSON is unchanged.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{`{"a":[NaN,1e999,"\ud800",-Infinity]}`, `[1,"x",{"y":null}]`, `"\u00e9"`, "\xef\xbb\xbf[]", `{"a":{"a":1,"a":2}}`, `18446744073709551615`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := NewScanner(bytes.NewReader(in))
		got, ok := s.Value(1 << 20)
		skipped := NewScanner(bytes.NewReader(in))
		skipped.Skip()
		if s.Err() == nil {
			require.NoError(t, skipped.Err())
			require.Equal(t, s.offset, skipped.offset, "reading and passing over end in different places")
		}
		if !ok {
			require.False(t, json.Valid(in) && len(in) < 1000, "JSON is refused: %v", s.Err())
			return
		}
		require.True(t, json.Valid(got), "%q", got)
		require.True(t, utf8.Valid(got))
		if json.Valid(in) {
			want, err := decode(in)
			if err == nil { // else there is a number beyond a float64
				have, err := decode(got)
				require.NoError(t, err)
				require.True(t, reflect.DeepEqual(want, have), "%s became %s", in, got)
			}
		}
	})
}

func decode(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if err = d.Decode(&v); err != nil {
		return nil, err
	}
	d = json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var exact any
	err = d.Decode(&exact)
	var plain any
	if json.Unmarshal(raw, &plain) != nil {
		return nil, errors.New("a number is out of range")
	}
	return exact, err
}
