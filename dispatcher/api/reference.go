package api

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/emprops/machinectl/dispatcher/api/wire"
)

//go:embed reference.html
var referenceSource string

// reference is the page for people that is made of the document.
type reference struct {
	Title, Description string
	Tags               []referenceTag
	Schemas            []referenceSchema
}

type referenceTag struct {
	Name, Description string
	Operations        []referenceOperation
}

type referenceOperation struct {
	ID, Method, Path, Role, Summary string
	Parameters                      []referenceField
	Body                            template.HTML
	Answers                         []referenceAnswer
}

type referenceAnswer struct {
	Status, Description string
	Schema              template.HTML
}

type referenceSchema struct {
	Name, Description string
	Type              template.HTML
	Fields            []referenceField
}

type referenceField struct {
	Name, In, Description string
	Type                  template.HTML
	Required              bool
}

// VisitDocsResponse implements [wire.DocsResponseObject].
func (f served) VisitDocsResponse(w http.ResponseWriter) error { return f(w) }

// Docs implements [wire.StrictServerInterface]. The page needs nothing from elsewhere, and may fetch nothing.
func (s *Server) Docs(context.Context, wire.DocsRequestObject) (wire.DocsResponseObject, error) {
	return served(func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, err := w.Write(s.document.page)
		return err
	}), nil
}

// renderReference makes the page.
func renderReference(doc *openapi3.T) ([]byte, error) {
	page, err := template.New("reference").Parse(referenceSource)
	if err != nil {
		return nil, err
	}
	r := reference{Title: doc.Info.Title, Description: doc.Info.Description}
	for _, tag := range doc.Tags {
		t := referenceTag{Name: tag.Name, Description: tag.Description}
		for where, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				if slices.Contains(op.Tags, tag.Name) {
					t.Operations = append(t.Operations, operationReference(method, where, op))
				}
			}
		}
		slices.SortFunc(t.Operations, func(a, b referenceOperation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
		})
		r.Tags = append(r.Tags, t)
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		schema := doc.Components.Schemas[name].Value
		r.Schemas = append(r.Schemas, referenceSchema{
			Name: name, Description: schema.Description, Type: typeText(&openapi3.SchemaRef{Value: schema}), Fields: fieldReferences(schema),
		})
	}
	var out bytes.Buffer
	err = page.Execute(&out, r)
	return out.Bytes(), err
}

func operationReference(method, where string, op *openapi3.Operation) referenceOperation {
	role, _ := op.Extensions["x-role"].(string)
	o := referenceOperation{ID: op.OperationID, Method: method, Path: where, Role: role, Summary: op.Summary}
	for _, p := range op.Parameters {
		o.Parameters = append(o.Parameters, referenceField{
			Name: p.Value.Name, In: p.Value.In, Description: p.Value.Description, Type: typeText(p.Value.Schema), Required: p.Value.Required,
		})
	}
	if op.RequestBody != nil {
		o.Body = contentText(op.RequestBody.Value.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		answer := op.Responses.Value(status).Value
		a := referenceAnswer{Status: status, Schema: contentText(answer.Content)}
		if answer.Description != nil {
			a.Description = *answer.Description
		}
		o.Answers = append(o.Answers, a)
	}
	return o
}

func contentText(content openapi3.Content) template.HTML {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		if kind == "application/json" || kind == "application/problem+json" {
			parts = append(parts, string(typeText(content[kind].Schema)))
			continue
		}
		parts = append(parts, template.HTMLEscapeString(kind))
	}
	return template.HTML(strings.Join(parts, ", ")) //nolint:gosec // each part is escaped
}

func fieldReferences(s *openapi3.Schema) (list []referenceField) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		list = append(list, referenceField{
			Name: name, Description: p.Value.Description, Type: typeText(p), Required: slices.Contains(s.Required, name),
		})
	}
	return list
}

// typeText describes a schema in a few words, with a link where it has a name.
func typeText(s *openapi3.SchemaRef) template.HTML {
	escaped := template.HTMLEscapeString
	switch {
	case s == nil || s.Value == nil:
		return ""
	case s.Ref != "":
		name := escaped(path.Base(s.Ref))
		return template.HTML(fmt.Sprintf(`<a href="#schema-%s">%s</a>`, name, name)) //nolint:gosec // name is escaped
	case s.Value.Items != nil:
		return "list of " + typeText(s.Value.Items)
	case s.Value.AdditionalProperties.Schema != nil:
		return "object of " + typeText(s.Value.AdditionalProperties.Schema)
	case len(s.Value.Enum) > 0:
		return template.HTML(escaped(wanted(s.Value))) //nolint:gosec // it is escaped
	case s.Value.Type == nil:
		return "any JSON"
	}
	text := strings.Join(s.Value.Type.Slice(), " or ")
	if s.Value.Format != "" {
		text += " (" + s.Value.Format + ")"
	}
	return template.HTML(escaped(text + bounds(s.Value))) //nolint:gosec // it is escaped
}
