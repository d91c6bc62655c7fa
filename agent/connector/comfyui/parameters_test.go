package comfyui

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/connector/connectortest"
)

func TestWrongShapes(t *testing.T) {
	connectortest.Shapes(t, func(raw json.RawMessage) error {
		_, err := parse(raw)
		return err
	},
		`{"workflow": %s}`, `{"extra_data": %s, "workflow": {"1": {"class_type": "X", "inputs": {}}}}`, `{"workflow": {"1": %s}}`,
		`{"workflow": {"1": {"class_type": %s, "inputs": {}}}}`, `{"workflow": {"1": {"class_type": "X", "inputs": %s}}}`,
		`{"workflow": {"1": {"class_type": "X", "inputs": {"a": %s}}}}`, `{"workflow": {"1": {"class_type": "X", "inputs": {}, "_meta": %s}}}`,
		`{"workflow": {"1": {"class_type": "X", "inputs": {}, "_meta": {"title": %s}}}}`, `{"workflow": {"a b.\"c": %s}}`, `{"wrkflow": %s}`,
		`{"workflow": {"nodes": %s, "links": [], "last_node_id": 5}}`, `{"workflow": {"prompt": %s}}`,
	)
}

func TestSentences(t *testing.T) {
	for raw, want := range map[string]string{
		`{"workflow": {"1": "EmptyImage"}}`:                                                              `parameters.workflow["1"]: got the text "EmptyImage", want a node, {"class_type": …, "inputs": {…}}`,
		`{"workflow": {"1": {"class_type": ["A"], "inputs": {}}}}`:                                       `parameters.workflow["1"].class_type: got a list, want the name of a node class, a text`,
		`{"workflow": {"1": {"class_type": "A", "inputs": null}}}`:                                       `parameters.workflow["1"].inputs: got null, want an object of inputs, which may be empty: {}`,
		`{"workflow": {"1": {"class_type": "A", "inputs": {}}, "1": {"class_type": "B", "inputs": {}}}}`: `parameters.workflow["1"]: given twice; want it once`,
		`{"workflow": "{\"1\": {}}"}`:                                                                    `parameters.workflow: got the workflow as a text; want the JSON object itself, without quotes around it`,
		`{"1": {"class_type": "A", "inputs": {}}}`:                                                       `parameters: this is the workflow itself; want it one level further in, {"workflow": {…}}`,
		`{"Workflow": {"1": {}}}`:                                                                        `parameters.Workflow: unknown field; the fields are workflow, extra_data`,
		`{"workflow": {"1": {"class_type": "A", "inputs": {}}}, "extra_data": [1]}`:                      `parameters.extra_data: got a list, want a JSON object`,
		`7`: `parameters: got the number 7, want a JSON object with the fields workflow, extra_data`,
	} {
		_, err := parse(json.RawMessage(raw))
		f := connector.Describe(err)
		require.Equal(t, want, f.Message)
		require.Equal(t, connector.InvalidParameters, f.Code)
	}
}

// TestSeedsStayExact: the workflow is passed on as it was given.
func TestSeedsStayExact(t *testing.T) {
	raw := `{"1":{"class_type":"A","inputs":{"seed":18446744073709551615,"big":123456789012345678901234567890,"cfg":0.10000000000000000055}}}`
	w, err := parse(json.RawMessage(`{"workflow": ` + raw + `}`))
	require.NoError(t, err)
	body, err := json.Marshal(submission{Prompt: w.raw})
	require.NoError(t, err)
	require.Contains(t, string(body), raw)
}
