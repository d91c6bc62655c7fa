package api

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed openapi.yaml
var documentSource []byte

// document is the API's description: what requests are validated against, and who may make them.
type document struct {
	json       []byte // as it is served
	page       []byte // HTML for people
	operations []*operation
}

// operation is one method of one path.
type operation struct {
	id     string // as in the document: listJobs
	method string
	path   string // as in the document: /v1/jobs/{id}
	role   string // that a token needs; "open" without one
	params openapi3.Parameters
	body   *openapi3.RequestBody // nil if it takes none
}

// loadDocument reads the embedded document once.
var loadDocument = sync.OnceValues(func() (*document, error) {
	doc, err := openapi3.NewLoader().LoadFromData(documentSource)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	d := &document{}
	if d.json, err = doc.MarshalJSON(); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if d.page, err = renderReference(doc); err != nil {
		return nil, fmt.Errorf("reference.html: %w", err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := &operation{id: op.OperationID, method: method, path: path, params: slices.Concat(item.Parameters, op.Parameters)}
			o.role, _ = op.Extensions["x-role"].(string)
			if o.role == "" {
				return nil, fmt.Errorf("openapi.yaml: %s %s has no x-role", method, path)
			}
			if op.RequestBody != nil {
				o.body = op.RequestBody.Value
			}
			d.operations = append(d.operations, o)
		}
	}
	return d, nil
})

// jsonBody is the schema of the operation's JSON body, nil if it takes none.
func (o *operation) jsonBody() *openapi3.Schema {
	if o.body == nil || o.body.Content["application/json"] == nil {
		return nil
	}
	return o.body.Content["application/json"].Schema.Value
}

// query returns the operation's query parameters.
func (o *operation) query() (list []*openapi3.Parameter) {
	for _, p := range o.params {
		if p.Value.In == openapi3.ParameterInQuery {
			list = append(list, p.Value)
		}
	}
	return list
}

// waits reports whether a request may ask the server to wait.
func (o *operation) waits() bool {
	return o.params.GetByInAndName(openapi3.ParameterInQuery, "wait") != nil
}

// streams reports whether an answer may take longer than Options.Timeout.
func (o *operation) streams() bool {
	return o.method == http.MethodGet && slices.Contains([]string{"jobEvents", "jobBlob"}, o.id)
}
