package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAddrFile: whoever starts a dispatcher on port 0 reads its address in a file, whole.
func TestAddrFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addr")
	o, err := options([]string{"-listen", "127.0.0.1:0", "-addr-file", path}, func(string) string { return "" }, os.Stderr)
	require.NoError(t, err)
	o.Ready("127.0.0.1:12345")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:12345\n", string(b))
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, left)
}
