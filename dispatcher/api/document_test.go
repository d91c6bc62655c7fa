package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

func loadSource(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	require.NoError(t, err)
	return doc
}

// Every operation says who may use it, and documents what every operation can answer.
func TestEveryOperationIsComplete(t *testing.T) {
	roles := []string{"open", "submit", "read", "operate", "admin"}
	for path, item := range loadSource(t).Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			role, _ := op.Extensions["x-role"].(string)
			require.Contains(t, roles, role, name)
			require.NotEmpty(t, op.OperationID, name)
			require.NotEmpty(t, op.Summary, name)
			require.NotEmpty(t, op.Tags, name)
			var want []int
			if role != "open" {
				want = append(want, 401, 403, 429, 500, 503)
				require.Nil(t, op.Security, "%s: the document's own holds", name)
			} else {
				require.NotNil(t, op.Security, "%s: no token", name)
				require.Empty(t, *op.Security, name)
			}
			if op.RequestBody != nil {
				want = append(want, 400, 413, 415)
			}
			if len(op.Parameters) > 0 {
				want = append(want, 400)
			}
			for _, status := range want {
				require.NotNil(t, op.Responses.Status(status), "%s: %d", name, status)
			}
			for status, r := range op.Responses.Map() {
				if status >= "400" && r.Ref != "" {
					require.Equal(t, "#/components/responses/E"+status, r.Ref, name)
				}
			}
		}
	}
}

// The generated files are those that the generator makes of the document now.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	tools, err := filepath.Abs("../../.ci/tools")
	require.NoError(t, err)
	binary := filepath.Join(t.TempDir(), "oapi-codegen")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen")
	build.Dir = tools
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("oapi-codegen can't be built here: %s", out)
	}
	for file, folder := range map[string]string{"client_gen.go": "../../client", "server_gen.go": "wire"} {
		made := filepath.Join(t.TempDir(), file)
		document, err := filepath.Abs("openapi.yaml")
		require.NoError(t, err)
		gen := exec.CommandContext(t.Context(), binary, "-config", "oapi-codegen.yaml", "-o", made, document)
		gen.Dir = folder
		out, err := gen.CombinedOutput()
		require.NoError(t, err, "%s", out)
		want, err := os.ReadFile(made)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(folder, file))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%s is not what openapi.yaml makes: run make generate", file)
	}
}

// What is served is the document, in JSON.
func TestTheDocumentIsServed(t *testing.T) {
	v := start(t, nil)
	resp, body := v.raw("GET", "/v1/openapi.json", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	served, err := openapi3.NewLoader().LoadFromData(body)
	require.NoError(t, err)
	require.Equal(t, "3.1.0", served.OpenAPI)
	require.Equal(t, len(loadSource(t).Paths.Map()), len(served.Paths.Map()))
}

// Every problem has the form of RFC 9457, and its request's id.
func TestProblemsAreThoseOfRFC9457(t *testing.T) {
	v := start(t, nil)
	resp, body := v.raw("GET", "/v1/jobs/simulation-01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "X-Request-ID", "mine")
	require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	require.JSONEq(t, `{"type": "urn:machinectl:problem:not_found", "title": "Not found", "status": 404, "detail": "no such job",
		"code": "not_found", "request_id": "mine"}`, string(body))
}

// Integers beyond 2^53, such as seeds, and the spelling of numbers come back digit by digit.
func TestParametersComeBackExactly(t *testing.T) {
	v := start(t, nil)
	const parameters = `{"seed":18446744073709551615,"big":123456789012345678901234567890,"f":1.10,"e":1E400,"s":"\u00e9","n":null}`
	id := v.submit(`{"type": "simulation", "parameters": ` + parameters + `}`)
	req, err := http.NewRequest(http.MethodGet, v.url+"/v1/jobs/"+id, nil)
	require.NoError(t, err)
	resp, err := v.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var job struct {
		Parameters json.RawMessage `json:"parameters"`
	}
	require.NoError(t, json.Unmarshal(body, &job))
	require.Equal(t, parameters, string(job.Parameters))
	for _, parameters := range []string{`null`, `5`, `"text"`, `[1]`, `true`, `{}`} {
		v.submit(`{"type": "simulation", "parameters": ` + parameters + `}`)
	}
}

// The roles are those that the description of the document names.
func TestTheDescriptionNamesTheRoles(t *testing.T) {
	text := loadSource(t).Info.Description
	require.True(t, slices.IsSortedFunc([]string{"open", "submit", "read", "operate", "admin"}, func(a, b string) int {
		return strings.Index(text, a) - strings.Index(text, b)
	}), text)
}

// The page for people has every operation and every schema, and loads nothing from elsewhere.
func TestTheReferenceIsServed(t *testing.T) {
	v := start(t, nil)
	resp, body := v.raw("GET", "/v1/docs", "")
	require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	require.Equal(t, "default-src 'none'; style-src 'unsafe-inline'", resp.Header.Get("Content-Security-Policy"))
	page := string(body)
	doc := loadSource(t)
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			require.Contains(t, page, `<details id="`+op.OperationID+`">`, path)
		}
	}
	for name := range doc.Components.Schemas {
		require.Contains(t, page, `id="schema-`+name+`"`)
	}
	require.NotRegexp(t, `(src|href)="(https?:)?//`, page)
	require.NotContains(t, page, "&lt;a href", "links are links")
}
