package compat

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// formerRelease is the commit that today's programs must work with. It is raised with each release.
const formerRelease = "e8c349ec98cdaac09ef6feee7633508cf6c863d3"

// buildFormer builds the former release's agent and machinectl into a folder, or skips the test where that can't be done.
func buildFormer(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: it builds programs, which is long, and -short was given")
	}
	for _, program := range []string{"git", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: %s is not on PATH, and builds the former release", program)
		}
	}
	if out, err := exec.Command("git", "cat-file", "-e", formerRelease+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("skipped: the former release, commit %.7s, is not in this clone: fetch the whole history (git fetch --unshallow): %s", formerRelease, bytes.TrimSpace(out))
	}
	dir := t.TempDir()
	source, bin := filepath.Join(dir, "source"), filepath.Join(dir, "bin")
	checkOut(t, source)
	// With -trimpath, what was compiled in one folder is found in the build cache from any other.
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin+"/", "./cmd/agent", "./cmd/machinectl")
	build.Dir = source
	build.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return bin
}

// checkOut writes the former release's files into a folder.
func checkOut(t *testing.T, folder string) {
	t.Helper()
	root, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	require.NoError(t, err)
	archive := exec.Command("git", "archive", "--format=tar", formerRelease)
	archive.Dir = string(bytes.TrimSpace(root))
	out, err := archive.Output()
	require.NoError(t, err)
	for files := tar.NewReader(bytes.NewReader(out)); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if header.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(folder, filepath.Clean(filepath.Join("/", header.Name)))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		b, err := io.ReadAll(files)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, b, header.FileInfo().Mode().Perm()))
	}
}
