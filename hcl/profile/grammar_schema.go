package profile

import (
	"encoding/json"
	"fmt"
)

// Schema returns the language as a JSON Schema (draft 2020-12): blocks are objects, those with a name are objects by name,
// those that may be repeated are arrays. It is made from the grammar that decoding uses, and describes evaluated values.
func Schema() []byte {
	root := blockSchema(language())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "machinectl profile"
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("profile: the schema does not encode: " + err.Error()) // plain data does
	}
	return append(out, '\n')
}

type schema = map[string]any

func blockSchema(b *block) schema {
	out := schema{"type": "object"}
	if b.doc != "" {
		out["description"] = b.doc
	}
	if b.open || b.name == "locals" {
		return out
	}
	properties, required := schema{}, []string{}
	for i := range b.args {
		a := &b.args[i]
		properties[a.name] = argumentSchema(a)
		if a.required {
			required = append(required, a.name)
		}
	}
	for _, c := range b.blocks {
		one := blockSchema(c)
		switch {
		case c.label != "":
			one = schema{"type": "object", "description": c.doc, "additionalProperties": one}
			if c.single {
				one["maxProperties"] = 1
			}
		case c.many:
			one = schema{"type": "array", "description": c.doc, "items": one}
		}
		if shorthand, ok := properties[c.name]; ok {
			one = schema{"anyOf": []any{shorthand, one}}
		}
		properties[c.name] = one
	}
	out["properties"], out["additionalProperties"] = properties, false
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func argumentSchema(a *argument) schema {
	out := schema{"description": a.doc}
	text := schema{"type": "string"}
	scalar := schema{"type": []string{"string", "number", "boolean"}}
	switch {
	case a.literal:
		return withDefault(out, a)
	case a.typ == typeInt:
		out["type"], out["minimum"] = "integer", a.min
		if a.max > 0 {
			out["maximum"] = a.max
		}
	case a.typ == typeBool:
		out["type"] = "boolean"
	case a.typ == typeDuration:
		out["type"], out["pattern"] = "string", `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`
	case a.typ == typeSize:
		out["type"], out["pattern"] = "string", `^ *[0-9.]+ *([KMGT]iB|[kKMGT]?B) *$`
	case a.typ == typeStrings, a.typ == typeFlags:
		out["type"], out["items"] = "array", text
	case a.typ == typeEnv, a.typ == typeSettings:
		out["type"], out["additionalProperties"] = "object", scalar
	case a.typ == typeAttrs:
		out["type"], out["additionalProperties"] = "object", schema{"anyOf": []any{scalar, schema{"type": "array", "items": text}}}
	default:
		out["type"] = "string"
		if len(a.oneOf) > 0 {
			out["enum"] = a.oneOf
		}
	}
	return withDefault(out, a)
}

// withDefault adds what applies when the argument is left out, in the form in which it is written.
func withDefault(out schema, a *argument) schema {
	switch def := a.def().(type) {
	case int, bool, []string:
		out["default"] = def
	case nil:
		if a.unless != "" {
			out["description"] = fmt.Sprintf("%s Default: %s.", a.doc, a.unless)
		}
	default:
		out["default"] = a.fallback
	}
	return out
}
