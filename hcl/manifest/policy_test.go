package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/manifest"
)

// A policy of a former release, which knows no project, is read, and so is one of a later release, with fields that are
// unknown here.
func TestPolicyOfOtherReleases(t *testing.T) {
	for name, c := range map[string]struct {
		doc     map[string]any
		project string
	}{
		"former": {doc: map[string]any{"version": 1, "pool": "p", "revision": "0a1b2c3d", "wanted": true}},
		"today":  {doc: map[string]any{"version": 1, "pool": "p", "project": "emprops"}, project: "emprops"},
		"later":  {doc: map[string]any{"version": 1, "pool": "p", "project": "emprops", "cost_centre": map[string]any{"a": 1}}, project: "emprops"},
	} {
		p, ours, err := manifest.ParsePolicy(map[string]any{manifest.PolicyKey: c.doc})
		require.NoError(t, err, name)
		require.True(t, ours, name)
		require.Equal(t, c.project, p.Project, name)
		doc, err := p.Map()
		require.NoError(t, err, name)
		_, there := doc[manifest.PolicyKey].(map[string]any)["project"]
		require.Equal(t, c.project != "", there, "%s: a policy without a project is written as before", name)
	}
}
