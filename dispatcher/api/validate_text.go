package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

// schemaProblem describes the first thing that is wrong with a value, which is at the path within the request.
func schemaProblem(path []string, err error) error {
	var wrong *openapi3.SchemaError
	if !errors.As(err, &wrong) {
		return err
	}
	path = append(path, wrong.JSONPointer()...)
	field := fieldPath(path)
	schema := wrong.Schema
	switch wrong.SchemaField {
	case "properties":
		given, _ := wrong.Value.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if schema.Properties[name] == nil {
				return invalid(fieldPath(append(path, name)), "unknown field; the fields are %s", strings.Join(slices.Sorted(maps.Keys(schema.Properties)), ", "))
			}
		}
	case "required":
		text := "is missing"
		if p := schema.Properties[path[len(path)-1]]; p != nil && p.Value.Description != "" {
			text += ": " + p.Value.Description
		}
		return invalid(field, "%s", text)
	case "maxLength":
		text, _ := wrong.Value.(string)
		return invalid(field, "is %d characters long, want at most %d", utf8.RuneCountInString(text), *schema.MaxLength)
	case "minLength":
		return invalid(field, "is empty or too short, want at least %d characters", schema.MinLength)
	case "maxItems":
		return invalid(field, "has too many entries, want at most %d", *schema.MaxItems)
	case "minItems":
		return invalid(field, "has too few entries, want at least %d", schema.MinItems)
	}
	if len(path) == 0 {
		return invalid("", "the body must be %s, not %s", wanted(schema), kindOf(wrong.Value))
	}
	return invalid(field, "is %s, want %s", shown(wrong.Value), wanted(schema))
}

// wanted describes the values that a schema accepts.
func wanted(s *openapi3.Schema) string {
	if text, ok := s.Extensions["x-wanted"].(string); ok {
		return text
	}
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			words[i] = fmt.Sprint(e)
		}
		return "one of " + strings.Join(words, ", ")
	}
	switch t := s.Type; {
	case s.Format == "date-time":
		return `a time such as "2026-01-31T12:00:00Z"`
	case t.Includes(openapi3.TypeInteger):
		return "a whole number" + bounds(s)
	case t.Includes(openapi3.TypeObject) && len(t.Slice()) > 2:
		return "any JSON"
	case t.Includes(openapi3.TypeNumber):
		return "a number" + bounds(s)
	case t.Includes(openapi3.TypeString) && s.Pattern != "":
		return "text that matches " + s.Pattern
	case t.Includes(openapi3.TypeString):
		return "text"
	case t.Includes(openapi3.TypeArray):
		return "a list"
	case t.Includes(openapi3.TypeObject):
		return "a JSON object"
	case t.Includes(openapi3.TypeBoolean):
		return "true or false"
	default:
		return "something else"
	}
}

func bounds(s *openapi3.Schema) string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	switch {
	case s.Min != nil && s.Max != nil:
		return " from " + number(*s.Min) + " to " + number(*s.Max)
	case s.Min != nil:
		return ", " + number(*s.Min) + " or more"
	case s.Max != nil:
		return ", at most " + number(*s.Max)
	default:
		return ""
	}
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// fieldPath writes a path as users do: requires["gpu.memory"], jobs[3].type.
func fieldPath(path []string) string {
	var b strings.Builder
	for _, key := range path {
		switch _, err := strconv.Atoi(key); {
		case err == nil:
			b.WriteString("[" + key + "]")
		case !plainKey.MatchString(key):
			fmt.Fprintf(&b, "[%q]", shortened(key))
		case b.Len() > 0:
			b.WriteString("." + key)
		default:
			b.WriteString(key)
		}
	}
	return b.String()
}

// shown is a value as JSON, or its beginning.
func shown(v any) string {
	switch v.(type) {
	case map[string]any, []any:
		return kindOf(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return kindOf(v)
	}
	return shortened(string(text))
}

// shortened is the beginning of a text.
func shortened(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func kindOf(v any) string {
	switch v.(type) {
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		return "text"
	case nil:
		return "null"
	default:
		return fmt.Sprint(v)
	}
}

// checkKeys refuses keys that are given twice, of which JSON decoders silently take one. What the schema leaves open is its
// reader's business.
func checkKeys(body []byte, schema *openapi3.Schema) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	return checkKeysOf(dec, schema, nil)
}

func checkKeysOf(dec *json.Decoder, schema *openapi3.Schema, path []string) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	open, _ := tok.(json.Delim)
	seen := map[string]bool{}
	for n := 0; (open == '{' || open == '[') && dec.More(); n++ {
		key, inner := strconv.Itoa(n), (*openapi3.Schema)(nil)
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			key = fmt.Sprint(name)
			if schema != nil && seen[key] {
				return invalid(fieldPath(append(path, key)), "given twice")
			}
			seen[key] = true
		}
		switch {
		case schema == nil:
		case open == '[' && schema.Items != nil:
			inner = schema.Items.Value
		case schema.Properties[key] != nil:
			inner = schema.Properties[key].Value
		}
		if inner == nil || len(inner.Type.Slice()) > 2 {
			var skipped json.RawMessage
			if err := dec.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		if err := checkKeysOf(dec, inner, append(path, key)); err != nil {
			return err
		}
	}
	if open == '{' || open == '[' {
		_, err = dec.Token() // the end
	}
	return err
}

// decodeProblem describes a value that its schema accepts and Go can't hold, such as 5.0 for an integer.
func decodeProblem(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return invalid(wrong.Field, "is %s, want a whole number without a fraction or an exponent, of at most 18 digits", wrong.Value)
	default:
		return invalid("", "a value has the right form, but is out of range")
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
