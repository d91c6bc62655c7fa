package queue

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
		var s Submission
		if json.Unmarshal(body, &s) != nil {
			return
		}
		c, err := o.check(s, now)
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
