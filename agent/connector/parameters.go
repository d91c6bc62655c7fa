package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Member is one field of a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members reads the fields of a JSON object that a user wrote, in order. Failures have the code [InvalidParameters] and name
// path; want describes the object that should have been given.
func Members(path, want string, raw json.RawMessage) ([]Member, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case !utf8.Valid(raw):
		return nil, Final(InvalidParameters, "%s: not UTF-8: want JSON in UTF-8", path)
	case len(raw) == 0 || raw[0] != '{' && json.Valid(raw):
		return nil, Final(InvalidParameters, "%s: got %s, want %s", path, Shown(raw), want)
	case !json.Valid(raw):
		return nil, Final(InvalidParameters, "%s: not one JSON object: want %s", path, want)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	var members []Member
	seen := map[string]bool{}
	_, err := d.Token() // the bracket
	for err == nil && d.More() {
		var m Member
		var name json.Token
		if name, err = d.Token(); err != nil {
			break
		}
		m.Name, _ = name.(string)
		if err = d.Decode(&m.Value); err != nil {
			break
		}
		if seen[m.Name] {
			return nil, Final(InvalidParameters, "%s: given twice; want it once", Field(path, m.Name))
		}
		seen[m.Name] = true
		members = append(members, m)
	}
	if err != nil { // impossible for valid JSON
		return nil, Final(InvalidParameters, "%s: can't be read: want %s", path, want)
	}
	return members, nil
}

// Field returns the path of an object's field.
func Field(path, name string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	if plain && (name[0] < '0' || name[0] > '9') {
		return path + "." + name
	}
	return path + "[" + strconv.Quote(short(name)) + "]"
}

// DecodeParameters reads a job's parameters into a struct: one JSON object, no unknown fields. Errors are failures with
// code [InvalidParameters] that name the field and what to write. Absent parameters leave the struct as it is. The struct's
// fields have a tag `want:"…"` that describes their values, except those of type [json.RawMessage], which the caller reads.
func DecodeParameters(raw json.RawMessage, into any) error {
	if text := string(bytes.TrimSpace(raw)); text == "" || text == "null" {
		return nil
	}
	fields := map[string]int{}
	var names []string
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = i
		names = append(names, name)
	}
	members, err := Members("parameters", "a JSON object with the fields "+strings.Join(names, ", "), raw)
	if err != nil {
		return err
	}
	for _, m := range members {
		i, known := fields[m.Name]
		if !known {
			return Final(InvalidParameters, "%s: unknown field; the fields are %s", Field("parameters", m.Name), strings.Join(names, ", "))
		}
		if raw, ok := v.Field(i).Addr().Interface().(*json.RawMessage); ok {
			*raw = slices.Clone(m.Value)
			continue
		}
		if string(m.Value) == "null" || json.Unmarshal(m.Value, v.Field(i).Addr().Interface()) != nil {
			return Final(InvalidParameters, "%s: got %s, want %s", Field("parameters", m.Name), Shown(m.Value), v.Type().Field(i).Tag.Get("want"))
		}
	}
	return nil
}

// Refuse returns the failure for a field of a parameters struct whose value the connector refuses.
func Refuse(parameters any, name, got string) error {
	t := reflect.TypeOf(parameters)
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("json") == name {
			return Final(InvalidParameters, "%s: got %s, want %s", Field("parameters", name), got, f.Tag.Get("want"))
		}
	}
	return Final(InvalidParameters, "%s: got %s", Field("parameters", name), got)
}

// Shown returns a JSON value that a user wrote as failures show it: short, with its kind.
func Shown(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "a text"
		}
		return fmt.Sprintf("the text %q", short(s))
	case 'n':
		return "null"
	case 't', 'f':
		return string(raw)
	default:
		return "the number " + short(string(raw))
	}
}

// short returns the beginning of a text.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
