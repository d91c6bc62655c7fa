package manifest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
)

func document() manifest.Agent {
	return manifest.Agent{
		Version: manifest.AgentVersion, Pool: "p", Machine: "m", Kind: "gpu", Redis: "redis://r", Grace: wiretime.Duration(25 * time.Second),
		Services: []manifest.Service{{Name: "s", Port: "s", Ready: &manifest.Check{Path: "/", Interval: wiretime.Duration(time.Second), Timeout: wiretime.Duration(time.Second)}}},
		Workers: []manifest.Worker{{
			Name: "w", Connector: "simulation", Service: "s", Concurrency: 1, Settings: map[string]string{"speed": "2"},
			Offer: capability.Offer{Type: "simulation", Flags: []string{"gpu"}, Attrs: map[string]any{"gpu.memory": "24GiB"}},
		}},
	}
}

func policy() manifest.Policy {
	return manifest.Policy{
		Version: manifest.PolicyVersion, Pool: "p", Machine: "m", Revision: "12345678", Wanted: true, Max: 3, TargetWait: wiretime.Duration(time.Minute),
		Workers: document().Workers,
	}
}

// TestLaterFieldsAreIgnored: whatever a later release adds, in whatever object of the documents that isn't a map of names,
// what this release knows is read as before.
func TestLaterFieldsAreIgnored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		agent := document()
		got, err := manifest.DecodeAgent(encode(t, extended(t, decode(t, encode(t, agent)))))
		require.NoError(t, err)
		require.Equal(t, &agent, got)

		want := policy()
		block := map[string]any{manifest.PolicyKey: extended(t, decode(t, encode(t, want)))}
		read, ours, err := manifest.ParsePolicy(block)
		require.NoError(t, err)
		require.True(t, ours)
		require.Equal(t, want, read)
	})
}

// extended adds fields to objects of a document, none of them known.
func extended(t *rapid.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if key != "attrs" && key != "settings" { // their keys are names
				v[key] = extended(t, item)
			}
		}
		if rapid.Bool().Draw(t, "extend") {
			v["later"] = rapid.SampledFrom([]any{nil, "x", 1.5, true, []any{map[string]any{"a": 1.0}}, map[string]any{"b": "c"}}).Draw(t, "value")
		}
	case []any:
		for i := range v {
			v[i] = extended(t, v[i])
		}
	}
	return v
}

func encode(t require.TestingT, v any) []byte {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func decode(t require.TestingT, b []byte) (v any) {
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

// TestOtherVersions: only another version is refused, before anything else of the document is read, and the message says what
// to do.
func TestOtherVersions(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"later":           {`{"version": 2, "workers": "in another form"}`, "version 2 was written by a later machinectl; this agent reads version 1: deploy a later one"},
		"former":          {`{"version": 0, "workers": []}`, "version 0 was written by an earlier machinectl; this agent reads version 1: apply the profile again"},
		"none":            {`{"workers": []}`, "it has no version, so it wasn't written by machinectl"},
		"a later grace":   {`{"version": 3, "grace": 25}`, "version 3 was written by a later machinectl"},
		"nothing to do":   {`{"version": 1, "workers": []}`, "no workers"},
		"not an object":   {`[]`, "agent document: not a JSON object (array)"},
		"not a document":  {`version`, "agent document: not JSON from byte 1 on"},
		"cut off":         {`{"version": 1`, "agent document: not JSON from byte 13 on"},
		"version as text": {`{"version": "2", "workers": 5}`, `version "2" was written by another machinectl; this agent reads version 1: deploy a matching one`},
		"two numbers":     {`{"version": "1.2"}`, `version "1.2" was written by another machinectl`},
		"a fraction":      {`{"version": 1.5}`, "version 1.5 was written by another machinectl"},
		"huge":            {`{"version": 99999999999999999999}`, "version 99999999999999999999 was written by another machinectl"},
		"an object":       {`{"version": {"major": 2}}`, `version {"major": 2} was written by another machinectl`},
		"null":            {`{"version": null}`, "it has no version, so it wasn't written by machinectl"},
		"another kind":    {`{"version": 1, "workers": [{"concurrency": "2"}]}`, "agent document: workers.concurrency can't be a string"},
		"a duration":      {`{"version": 1, "grace": "5 s"}`, `agent document: "5 s" is not a duration`},
		"a number of s":   {`{"version": 1, "grace": 5}`, "agent document: grace can't be a number"},
		"a later service": {`{"version": 1, "workers": [{"name": "w", "connector": "x", "offer": {"type": "x"}, "concurrency": 1, "service": "s"}]}`, `no service instance "s"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.DecodeAgent([]byte(c.doc))
			require.ErrorContains(t, err, c.want)
			require.NotRegexp(t, `json: |time: |Go |wiretime|struct|invalid character`, err.Error())
		})
	}
	_, ours, err := manifest.ParsePolicy(map[string]any{manifest.PolicyKey: map[string]any{"version": 2, "target_wait": 5}})
	require.True(t, ours)
	require.EqualError(t, err, "scaling policy: version 2 was written by a later machinectl; this program reads version 1: deploy a later one")
	_, ours, err = manifest.ParsePolicy(map[string]any{"other": 1})
	require.False(t, ours)
	require.NoError(t, err)
}
