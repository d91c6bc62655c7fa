package api

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

// validate holds a request to the document before its handler sees it: path, query and header parameters, and the body.
func (s *Server) validate(op *operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := op.checkQuery(c.Request()); err != nil {
				return err
			}
			for _, p := range op.params {
				if err := checkElsewhere(c, p.Value); err != nil {
					return err
				}
			}
			if schema := op.jsonBody(); schema != nil {
				if err := checkBody(c.Request(), schema, op.body.Required); err != nil {
					return err
				}
			}
			return next(c)
		}
	}
}

// checkQuery refuses unknown, repeated and wrong query parameters.
func (o *operation) checkQuery(r *http.Request) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid("", "the query string can't be read: write %% as %%25, and no semicolons")
	}
	known := o.query()
	for name, given := range values {
		i := slices.IndexFunc(known, func(p *openapi3.Parameter) bool { return p.Name == name })
		switch {
		case i < 0 && len(known) == 0:
			return invalid(name, "unknown query parameter; this path takes none")
		case i < 0:
			return invalid(name, "unknown query parameter; the parameters are %s", strings.Join(parameterNames(known), ", "))
		case len(given) > 1:
			return invalid(name, "query parameter given %d times", len(given))
		}
		if err := checkParameter(known[i], given[0]); err != nil {
			return err
		}
	}
	return nil
}

func parameterNames(list []*openapi3.Parameter) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.Name
	}
	return out
}

// checkElsewhere checks a parameter in the path or a header.
func checkElsewhere(c echo.Context, p *openapi3.Parameter) error {
	switch p.In {
	case openapi3.ParameterInPath:
		value := c.Param(p.Name)
		if c.Request().URL.RawPath != "" { // the router has then matched the escaped path
			unescaped, err := url.PathUnescape(value)
			if err != nil {
				return invalid(p.Name, "is not a readable part of a path")
			}
			value = unescaped
		}
		return checkParameter(p, value)
	case openapi3.ParameterInHeader:
		given := c.Request().Header.Values(p.Name)
		if len(given) == 0 {
			return nil
		}
		if len(given) > 1 {
			return invalid(p.Name, "header given %d times", len(given))
		}
		return checkParameter(p, given[0])
	default:
		return nil
	}
}

// checkParameter checks a parameter's text against its schema.
func checkParameter(p *openapi3.Parameter, text string) error {
	schema := p.Schema.Value
	var value any = text
	switch {
	case schema.Type.Is(openapi3.TypeInteger):
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return invalid(p.Name, "is %q, want %s", shortened(text), wanted(schema))
		}
		value = json.Number(strconv.FormatInt(n, 10))
	case schema.Type.Is(openapi3.TypeBoolean):
		if text != "true" && text != "false" {
			return invalid(p.Name, "is %q, want %s", shortened(text), wanted(schema))
		}
		value = text == "true"
	}
	if err := schema.VisitJSON(value, schemaOptions()...); err != nil {
		return schemaProblem([]string{p.Name}, err)
	}
	return nil
}

// schemaOptions hold times and durations to what Go reads: February 30 has the form of a time, and 999999999999 hours
// that of a duration.
func schemaOptions() []openapi3.SchemaValidationOption {
	return []openapi3.SchemaValidationOption{
		openapi3.VisitAsRequest(),
		openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(text string) error {
			_, err := time.Parse(time.RFC3339, text)
			return err
		})),
		openapi3.WithStringFormatValidator("go-duration", openapi3.NewCallbackValidator(func(text string) error {
			_, err := time.ParseDuration(text)
			return err
		})),
	}
}

// checkBody reads the body, holds it to the schema, and puts it back for the handler. An absent body is left alone unless it
// is required.
func checkBody(r *http.Request, schema *openapi3.Schema, required bool) error {
	if mt := r.Header.Get("Content-Type"); mt != "" || required {
		if got, _, err := mime.ParseMediaType(mt); err != nil || got != "application/json" {
			return refuse(http.StatusUnsupportedMediaType, codeMediaType, "", "the body must be JSON: send it with Content-Type: application/json, not %q", mt)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !required && len(bytes.TrimSpace(body)) == 0 {
		r.Body = http.NoBody
		return nil
	}
	var syntax json.RawMessage
	if err := json.Unmarshal(body, &syntax); err != nil {
		return syntaxError(body, err)
	}
	if err := checkKeys(body, schema); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // a number that a float can't hold stays what it is
	var value any
	if err := dec.Decode(&value); err != nil {
		return syntaxError(body, err)
	}
	if err := schema.VisitJSON(value, schemaOptions()...); err != nil {
		return schemaProblem(nil, err)
	}
	return nil
}

// binder decodes bodies that validate has checked.
type binder struct{}

// Bind implements [echo.Binder].
func (binder) Bind(v any, c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return io.EOF // the generated code takes this for an absent body
	}
	return decodeProblem(json.Unmarshal(body, v))
}
