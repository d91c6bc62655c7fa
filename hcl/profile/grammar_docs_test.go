package profile_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/profile"
)

const docs = "../../docs/language.md"

// The reference in the documentation is what the grammar says now.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(docs)
	require.NoError(t, err)
	const mark = "-->\n"
	guide, reference, ok := strings.Cut(string(page), mark)
	require.True(t, ok)
	want := "\n" + profile.Reference()
	if *update {
		require.NoError(t, os.WriteFile(docs, []byte(guide+mark+want), 0o644))
		require.NoError(t, os.WriteFile("../../docs/language/schema.json", profile.Schema(), 0o644))
		return
	}
	require.Equal(t, want, reference)
	schema, err := os.ReadFile("../../docs/language/schema.json")
	require.NoError(t, err)
	require.Equal(t, string(profile.Schema()), string(schema))
}

// The schema is JSON, has every block of the language, and says which arguments must be there.
func TestSchema(t *testing.T) {
	type block struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Required   []string                   `json:"required"`
	}
	type named struct {
		AdditionalProperties block `json:"additionalProperties"`
	}
	var root block
	require.NoError(t, json.Unmarshal(profile.Schema(), &root))
	for _, name := range []string{"project", "variable", "locals", "environment", "module", "machine", "pool"} {
		require.Contains(t, root.Properties, name)
	}
	var machine, pool named
	require.NoError(t, json.Unmarshal(root.Properties["machine"], &machine))
	require.NoError(t, json.Unmarshal(root.Properties["pool"], &pool))
	require.Contains(t, machine.AdditionalProperties.Required, "kind")
	require.Contains(t, pool.AdditionalProperties.Properties, "override")
}

// Whole profiles in the guide load; pieces of one have the right syntax.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile(docs)
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, blocks)
	for i, b := range blocks {
		formatted, diags := profile.Format([]byte(b[1]))
		require.Empty(t, diags, b[1])
		require.Equal(t, b[1], string(formatted))
		if i == 0 {
			_, diags := profile.LoadBytes([]byte(b[1]), "guide.hcl", profile.Options{})
			require.Empty(t, diags)
		}
	}
}
