package queue

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecodeSubmission(t *testing.T) {
	for name, c := range map[string]struct{ body, field, problem string }{
		"not an object":  {`[1]`, "job", "is not a JSON object"},
		"trailing":       {`{} {}`, "job", "is not a JSON object"},
		"unknown":        {`{"type":"comfyui","timeout_minutes":3}`, "timeout_minutes", "is unknown: a job has capabilities, deadline,"},
		"wrong type":     {`{"type":3}`, "type", "a number can't stand here: write a string"},
		"wrong priority": {`{"priority":"high"}`, "priority", "a string can't stand here: write a whole number"},
		"fraction":       {`{"priority":1.5}`, "priority", "write a whole number"},
		"duration":       {`{"timeout":"10 minutes"}`, "timeout", `write a duration such as "30s"`},
		"number":         {`{"timeout":10}`, "timeout", `write a duration such as "30s"`},
		"time":           {`{"deadline":"tomorrow"}`, "deadline", "write a time such as"},
		"list":           {`{"capabilities":"gpu"}`, "capabilities", "write a list of strings"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeSubmission([]byte(c.body))
			var invalid *InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, c.field, invalid.Field)
			require.Contains(t, invalid.Problem, c.problem)
		})
	}
	s, err := DecodeSubmission([]byte(`{"type":"comfyui","requires":{"model":["flux-dev"]},"timeout":"10m","parameters":{"a":[1]},"priority":0}`))
	require.NoError(t, err)
	require.Equal(t, 10*time.Minute, s.Timeout.D())
	require.Zero(t, *s.Priority)
	require.JSONEq(t, `{"a":[1]}`, string(s.Parameters))
}

// FuzzSubmission: any input is either rejected with an InvalidError or makes a submission that fits into a record.
func FuzzSubmission(f *testing.F) {
	for _, seed := range []string{
		`{"type":"comfyui","capabilities":["gpu","!spot"],"requires":{"gpu.memory":">=24GiB","model":["flux-dev"],"driver":"~>550.54"},
			"parameters":{"workflow":{}},"priority":50,"timeout":"10m","max_attempts":3,"tenant":"t","idempotency_key":"k",
			"metadata":{"a":"b"}}`,
		`{"type":"a","requires":{"x":{"any":["a","b"],"none":["a"]}}}`, `{"type":"a","not_before":"2999-01-01T00:00:00Z"}`,
		`{"type":"a","metadata":{"":""}}`, `{"type":"a","tenant":"\t"}`, `{"parameters":null,"type":"a"}`, `{"type":"a","requires":{"b":1e300}}`,
		`{"TYPE":"a"}`, `{"type":"a","type":"b"}`, `null`, `{`,
	} {
		f.Add([]byte(seed))
	}
	o := Options{URL: "redis://x"}
	require.NoError(f, o.validate())
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := DecodeSubmission(body)
		var c *checked
		if err == nil {
			c, err = o.check(s, now)
		}
		if err != nil {
			var invalid *InvalidError
			require.True(t, errors.As(err, &invalid), "%v", err)
			require.NotEmpty(t, invalid.Field)
			require.NotEmpty(t, invalid.Problem)
			return
		}
		for _, text := range []string{c.Tenant, c.IdempotencyKey, c.Type, c.class} {
			require.False(t, strings.ContainsAny(text, "\t\n\x00"))
		}
		require.Len(t, c.class, 16)
		if len(c.Parameters) > 0 {
			require.True(t, json.Valid(c.Parameters))
		}
	})
}
