package simulation

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/connector/connectortest"
	"github.com/emprops/machinectl/hcl/manifest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Subject{
		Type: "simulation",
		New:  func(t *testing.T) connector.Connector { return newConnector(t, nil) },
		Quick: func() json.RawMessage {
			return json.RawMessage(`{"duration": "50ms", "steps": 5, "output_bytes": 100000}`)
		},
		Slow: func() json.RawMessage {
			return json.RawMessage(`{"duration": "2h", "steps": 100000, "output_bytes": 1}`)
		},
		Wrong: map[string]connectortest.Wrong{
			"unknown field": connectortest.Refused(`{"dauer": "1s"}`, connector.InvalidParameters, "dauer"),
			"wrong type":    connectortest.Refused(`{"steps": "ten"}`, connector.InvalidParameters, "parameters.steps"),
			"not an object": connectortest.Refused(`[]`, connector.InvalidParameters, "parameters"),
			"two values":    connectortest.Refused(`{} {}`, connector.InvalidParameters, "not one JSON object"),
			"duration":      connectortest.Refused(`{"duration": "-1s"}`, connector.InvalidParameters, "parameters.duration"),
			"long":          connectortest.Refused(`{"duration": "25h"}`, connector.InvalidParameters, "24h"),
			"steps":         connectortest.Refused(`{"steps": 0}`, connector.InvalidParameters, "1 to 100000"),
			"fail":          connectortest.Refused(`{"fail": "maybe"}`, connector.InvalidParameters, `"hang"`),
			"fail_after":    connectortest.Refused(`{"fail_after": 2}`, connector.InvalidParameters, "from 0 to 1"),
			"no fail_after": connectortest.Refused(`{"fail_after": null}`, connector.InvalidParameters, "from 0 to 1"),
			"fail_attempts": connectortest.Refused(`{"fail_attempts": -1}`, connector.InvalidParameters, "0 or more"),
			"output_bytes":  connectortest.Refused(`{"output_bytes": 2000000000}`, connector.InvalidParameters, "1 GiB"),
		},
	})
}

func TestWrongShapes(t *testing.T) {
	connectortest.Shapes(t, func(raw json.RawMessage) error {
		_, err := parse(raw)
		return err
	}, `{"duration": %s}`, `{"steps": %s}`, `{"fail": %s}`, `{"fail_after": %s}`, `{"fail_attempts": %s}`, `{"output_bytes": %s}`, `{"output": %s}`, `{"dauer": %s}`)
}

func TestSentences(t *testing.T) {
	for raw, want := range map[string]string{
		`{"duration": "2 minutes"}`: `parameters.duration: got the text "2 minutes", want a duration from "0s" to "24h", such as "90s"`,
		`{"duration": 5}`:           `parameters.duration: got the number 5, want a duration from "0s" to "24h", such as "90s"`,
		`{"steps": 1.5}`:            `parameters.steps: got the number 1.5, want a whole number from 1 to 100000`,
		`{"steps": 0}`:              `parameters.steps: got 0, want a whole number from 1 to 100000`,
		`{"fail": "maybe"}`:         `parameters.fail: got "maybe", want "none", "retriable", "final", "crash" or "hang"`,
		`{"fail_after": "half"}`:    `parameters.fail_after: got the text "half", want a number from 0 to 1`,
		`{"dauer": "1s"}`:           `parameters.dauer: unknown field; the fields are duration, steps, fail, fail_after, fail_attempts, output_bytes, output`,
	} {
		_, err := parse(json.RawMessage(raw))
		require.Equal(t, want, connector.Describe(err).Message)
	}
}

func TestFailures(t *testing.T) {
	for mode, retriable := range map[string]bool{"retriable": true, "final": false} {
		for _, after := range []float64{0, 0.5, 1} {
			t.Run(fmt.Sprint(mode, after), func(t *testing.T) {
				p := fmt.Sprintf(`{"duration": "10ms", "fail": %q, "fail_after": %g, "fail_attempts": 1}`, mode, after)
				a := connectortest.Attempt(t, "simulation", json.RawMessage(p), nil)
				_, err := newConnector(t, nil).Run(t.Context(), a)
				f := connector.Describe(err)
				require.Equal(t, connector.Simulated, f.Code)
				require.Equal(t, retriable, f.Retriable)

				a.Job.Attempts = 2
				_, err = newConnector(t, nil).Run(t.Context(), a)
				require.NoError(t, err, "only the first attempt fails")
			})
		}
	}
}

func TestCrash(t *testing.T) {
	a := connectortest.Attempt(t, "simulation", json.RawMessage(`{"duration": "0s", "fail": "crash"}`), nil)
	require.Panics(t, func() { _, _ = newConnector(t, nil).Run(t.Context(), a) })
}

func TestOutput(t *testing.T) {
	a := connectortest.Attempt(t, "simulation", json.RawMessage(`{"duration": "0s", "output": {"answer": 42}}`), nil)
	r, err := newConnector(t, nil).Run(t.Context(), a)
	require.NoError(t, err)
	require.JSONEq(t, `{"answer": 42}`, string(r.Data))
	require.Empty(t, r.Blobs)
}

func TestSettings(t *testing.T) {
	a := connectortest.Attempt(t, "simulation", json.RawMessage(`{"duration": "10m"}`), nil)
	began := time.Now()
	_, err := newConnector(t, map[string]string{"speed": "10000"}).Run(t.Context(), a)
	require.NoError(t, err)
	require.Less(t, time.Since(began), 10*time.Second)

	for _, settings := range []map[string]string{{"speed": "0"}, {"speed": "fast"}, {"spede": "1"}} {
		_, err := New(connector.Config{Worker: manifest.Worker{Name: "w", Settings: settings}})
		require.ErrorContains(t, err, `worker "w"`)
	}
}

func TestDescribe(t *testing.T) {
	require.Equal(t, connector.Internal, connector.Describe(errors.New("x")).Code)
	f := connector.Describe(fmt.Errorf("wrapped: %w", connector.Transient(connector.Protocol, errors.New("cause"), "what %d", 1)))
	require.Equal(t, "protocol", f.Code)
	require.Equal(t, "what 1: cause", f.Message)
	require.True(t, f.Retriable)
}

func newConnector(t *testing.T, settings map[string]string) connector.Connector {
	c, err := New(connector.Config{Worker: manifest.Worker{Name: "w", Settings: settings}})
	require.NoError(t, err)
	return c
}
