package profile_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/profile"
)

// The profile shown in the README is one that loads.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindSubmatch(readme)
	require.NotNil(t, block, "the README shows no profile")
	p, diags := profile.LoadBytes(block[1], "README.md", profile.Options{})
	require.Empty(t, diags)
	require.Len(t, p.Pools, 1)
}
