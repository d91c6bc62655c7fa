package connectortest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
)

// shapes are JSON values of every kind.
var shapes = []string{
	`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e400`, `123456789012345678901234567890`, `""`, `"text"`, `"\ud800"`, `[]`, `[1]`, `[[]]`, `["a", 0]`,
	`{}`, `{"a": 1}`, `{"a": {"b": []}}`, `{"": null}`, `{"class_type": 5}`, `{"class_type": "X", "inputs": []}`, `{"inputs": {}}`,
}

// machinery matches what no message to a user may hold: names of Go types and texts of Go's JSON package.
var machinery = regexp.MustCompile(`(?i)go value|go struct|unmarshal|json: |invalid character|unexpected end|looking for|RawMessage|\b(int|int64|uint|float64|bool|string|map\[|interface|struct|manifest\.|wiretime\.|queue\.|comfyui\.\w+|simulation\.\w+)\b|time: |strconv|<nil>|0x[0-9a-f]{6}`)

// plainWords checks that a refusal is one plain sentence which names the field and what to write.
func plainWords(t *testing.T, parameters, message string) {
	t.Helper()
	require.NotRegexp(t, machinery, message, "parameters %s", parameters)
	require.NotContains(t, message, "\n", "parameters %s", parameters)
	require.True(t, strings.HasPrefix(message, "parameters"), "parameters %s: %s names no field", parameters, message)
	require.Regexp(t, `want|missing|the fields are |export it|give only|one level further`, message, "parameters %s", parameters)
}

// Shapes puts values of every kind where another is expected: for the parameters as a whole, and for the verb %s in each
// template. If the connector refuses them, it must do so in plain words.
func Shapes(t *testing.T, check func(json.RawMessage) error, templates ...string) {
	t.Helper()
	refused := 0
	for _, template := range append(templates, "%s") {
		for _, shape := range shapes {
			parameters := fmt.Sprintf(template, shape)
			err := check(json.RawMessage(parameters))
			if err == nil {
				continue
			}
			refused++
			f := connector.Describe(err)
			require.Contains(t, []string{connector.InvalidParameters, connector.UnsupportedWorkflow}, f.Code, "parameters %s", parameters)
			require.False(t, f.Retriable)
			plainWords(t, parameters, f.Message)
		}
	}
	require.NotZero(t, refused)
	for _, broken := range []string{`{`, `{"a"`, `{"a":}`, `{"a": 1,}`, `nul`, `{} {}`, `[1`, `"`, "{\"a\": \"\xff\"}", "\x00", `{'a': 1}`, `{"a": NaN}`, `{"a": 1, "a": 2}`} {
		f := connector.Describe(check(json.RawMessage(broken)))
		require.Equal(t, connector.InvalidParameters, f.Code, broken)
		require.False(t, f.Retriable)
		plainWords(t, broken, f.Message)
	}
}
