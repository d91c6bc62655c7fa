package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emprops/machinectl/hcl/wiretime"
)

// readJSON reads one JSON object from the request into v, a pointer to a struct, strictly: unknown and repeated fields,
// wrong types and trailing text are errors that name the field, or the line and column. optional allows an empty body.
func readJSON(r *http.Request, v any, optional bool) error {
	if mt := r.Header.Get("Content-Type"); mt != "" || !optional {
		if got, _, err := mime.ParseMediaType(mt); err != nil || got != "application/json" {
			return refuse(http.StatusUnsupportedMediaType, codeMediaType, "", "the body must be JSON: send it with Content-Type: application/json, not %q", mt)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if optional && len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	return decodeObject(body, v)
}

func decodeObject(body []byte, v any) error {
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		return syntaxError(body, err)
	}
	fields := fieldsOf(v)
	dec := json.NewDecoder(bytes.NewReader(body))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return invalid("", "the body must be a JSON object, not %s", kindOf(tok))
	}
	seen := map[string]bool{}
	for dec.More() {
		var raw json.RawMessage
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		name := fmt.Sprint(tok)
		target, known := fields[name]
		if !known {
			return invalid(name, "unknown field; the fields are %s", strings.Join(names(fields), ", "))
		}
		if seen[name] {
			return invalid(name, "given twice")
		}
		seen[name] = true
		if err := decodeField(name, raw, target); err != nil {
			return err
		}
	}
	return nil
}

func decodeField(name string, raw json.RawMessage, target reflect.Value) error {
	err := json.Unmarshal(raw, target.Addr().Interface())
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		if wrong.Field != "" {
			name += "." + wrong.Field
		}
		return invalid(name, "is %s, want %s", wrong.Value, wanted(wrong.Type))
	default:
		return invalid(name, "is %s, want %s", shortened(raw), wanted(target.Type()))
	}
}

// shortened is the beginning of a JSON value, which is quoted where it is text.
func shortened(raw json.RawMessage) string {
	const most = 60
	if text := string(raw); len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(string(raw[:most]), "") + "…"
}

// fieldsOf returns the settable fields of the struct that v points to, by JSON name.
func fieldsOf(v any) map[string]reflect.Value {
	s := reflect.ValueOf(v).Elem()
	fields := map[string]reflect.Value{}
	for i := range s.NumField() {
		name, _, _ := strings.Cut(s.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = s.Field(i)
	}
	return fields
}

func names(fields map[string]reflect.Value) []string {
	var list []string
	for name := range fields {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// wanted describes the JSON that a Go type is read from.
func wanted(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return `a time such as "2026-01-31T12:00:00Z"`
	case t == reflect.TypeFor[wiretime.Duration]():
		return `a duration such as "10m" or "90s"`
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct:
		return "an object"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "a whole number"
	}
}

func kindOf(tok json.Token) string {
	switch tok.(type) {
	case json.Delim:
		return "a list"
	case string:
		return "text"
	case nil:
		return "null"
	default:
		return fmt.Sprintf("%v", tok)
	}
}

// syntaxError returns an error with the place where the body stops being JSON: its first unexpected character.
func syntaxError(body []byte, err error) error {
	var syn *json.SyntaxError
	if !errors.As(err, &syn) {
		return err
	}
	at := max(min(int(syn.Offset)-1, len(body)), 0)
	text := "the JSON ends too early"
	if syn.Error() == "unexpected end of JSON input" {
		at = len(body)
	} else if r, size := utf8.DecodeRune(body[at:]); r == utf8.RuneError && size == 1 {
		text = "not UTF-8"
	} else {
		text = fmt.Sprintf("%q can't stand here", r)
	}
	line := 1 + bytes.Count(body[:at], []byte("\n"))
	column := at - bytes.LastIndexByte(body[:at], '\n')
	return invalid("", "line %d, column %d (byte %d): %s", line, column, at, text)
}

// query returns the query parameters and refuses unknown and repeated ones.
func query(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("", "the query string can't be read: %s", err)
	}
	for name, v := range values {
		if !slices.Contains(known, name) {
			if len(known) == 0 {
				return nil, invalid(name, "unknown query parameter; this path takes none")
			}
			return nil, invalid(name, "unknown query parameter; the parameters are %s", strings.Join(known, ", "))
		}
		if len(v) > 1 {
			return nil, invalid(name, "query parameter given %d times", len(v))
		}
	}
	return values, nil
}
