package plan

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler/content"
)

// TestTextLikeJSON: a change from an empty text to a pair of quotation marks shows two different sides.
func TestTextLikeJSON(t *testing.T) {
	empty, quotes := content.Value{JSON: `""`}, content.Value{Text: `""`, JSON: `"\"\""`}
	require.Equal(t, Change{What: "env A", Before: `""`, After: `"\"\""`}, valueChange("env A", empty, quotes))
	require.Equal(t, Change{What: "env A", Before: `"\"\""`, After: `""`}, valueChange("env A", quotes, empty))
	require.Equal(t, Change{What: "env A", Before: "x", After: `"\"\""`}, valueChange("env A", content.Value{Text: "x", JSON: `"x"`}, quotes))
	require.Equal(t, Change{What: "env A", Before: "x", After: `""`}, valueChange("env A", content.Value{Text: "x", JSON: `"x"`}, empty))
}
