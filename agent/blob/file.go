package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// directory is a store in the file system.
type directory struct{ root string }

func openFile(u *url.URL) (*Store, error) {
	if u.Host != "" || !filepath.IsAbs(u.Path) {
		return nil, errors.New("want an absolute path with three slashes, file:///var/lib/machine/blobs")
	}
	if name := unknown(u.Query()); name != "" {
		return nil, fmt.Errorf("a directory has no option %q", name)
	}
	if err := os.MkdirAll(u.Path, 0o755); err != nil { //nolint:gosec // the operator names the directory
		return nil, err
	}
	return &Store{driver: directory{u.Path}, base: &url.URL{Scheme: "file", Path: u.Path}}, nil
}

// put writes a hidden file beside the final one and renames it when it is complete.
func (d directory) put(ctx context.Context, key, _ string, r io.Reader) error {
	final := filepath.Join(d.root, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(final), ".part-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, until{ctx, r})
	if err == nil {
		err = f.Chmod(0o644)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), final)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// until reads until its context ends.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}
