package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/agent/connector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	s, err := Open(t.Context(), "file://"+dir)
	require.NoError(t, err)
	files := s.Attempt("comfyui-01J", 7)
	b, err := files.Store(t.Context(), "image_00001_.png", "image/png", strings.NewReader("picture"))
	require.NoError(t, err)
	require.Equal(t, "file://"+dir+"/comfyui-01J/7/image_00001_.png", b.URL)
	require.Equal(t, int64(7), b.Size)
	content, err := os.ReadFile(filepath.Join(dir, "comfyui-01J", "7", "image_00001_.png"))
	require.NoError(t, err)
	require.Equal(t, "picture", string(content))

	again, err := files.Store(t.Context(), "image_00001_.png", "image/png", strings.NewReader("another"))
	require.NoError(t, err)
	require.Equal(t, "image_00001_-2.png", again.Name)
}

// TestNothingHalf: a file becomes visible only once it is complete.
func TestNothingHalf(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), "file://"+dir)
	require.NoError(t, err)
	broken := errors.New("the source broke")
	_, err = s.Attempt("j", 1).Store(t.Context(), "a", "", io.MultiReader(strings.NewReader("half"), failing{broken}))
	require.Equal(t, broken, err, "the source's error comes back as it is")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Attempt("j", 1).Store(ctx, "a", "", strings.NewReader("half"))
	require.ErrorIs(t, err, context.Canceled)

	left, err := os.ReadDir(filepath.Join(dir, "j", "1"))
	require.NoError(t, err)
	require.Empty(t, left)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestStoreFailureHasItsCode(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), "file://"+dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "j"), nil, 0o600)) // a file where a folder is to be
	_, err = s.Attempt("j", 1).Store(t.Context(), "a", "", strings.NewReader("x"))
	require.Equal(t, connector.Store, connector.Describe(err).Code)
	require.True(t, connector.Describe(err).Retriable)
}

func TestWrongURLs(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	for raw, want := range map[string]string{
		"":                                   "unknown kind of store",
		"gs://bucket":                        "write file:///path or s3://bucket",
		"file://relative/path":               "three slashes",
		"file:///x?create_dir=1":             `no option "create_dir"`,
		"s3:///prefix":                       "bucket's name",
		"s3://bucket":                        "no region",
		"s3://bucket?regoin=x":               `no option "regoin"`,
		"s3://bucket?region=x&path_style=so": "true or false",
		"file:///dev/null/x":                 "not a directory",
		":":                                  "is not a URL",
	} {
		_, err := Open(t.Context(), raw)
		require.ErrorContains(t, err, want, raw)
	}
}

// TestNames: whatever a file is called, its key stays below the attempt's folder and is its own URL path.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), "file://"+dir)
	require.NoError(t, err)
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`(\.\./|/|%2e|\x00|ä|[a-z.]){0,300}`)).Draw(r, "name")
		files := s.Attempt("job-1", 1)
		seen := map[string]bool{}
		for range 3 {
			b, err := files.Store(t.Context(), name, "", bytes.NewReader([]byte(name)))
			if err != nil {
				r.Fatalf("%q: %v", name, err)
			}
			u, err := url.Parse(b.URL)
			if err != nil || filepath.Dir(u.Path) != filepath.Join(dir, "job-1", "1") || u.Path != filepath.Clean(u.Path) || seen[b.URL] {
				r.Fatalf("%q became %s", name, b.URL)
			}
			seen[b.URL] = true
			if content, err := os.ReadFile(u.Path); err != nil || string(content) != name {
				r.Fatalf("%q: %v", name, err)
			}
		}
	})
}
