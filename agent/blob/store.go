package blob

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/s3blob"   // s3://
)

// Store is an open store.
type Store struct {
	bucket *blob.Bucket
	base   *url.URL // of the files: scheme, host and path, without options
	prefix string   // of each key, "" or ending in "/"
}

// Open opens the store at a URL: file:///path (the directory is made) or s3://bucket/prefix?region=…, whose credentials come
// from the environment as in AWS's own tools. It does not talk to a remote store yet.
func Open(ctx context.Context, raw string) (*Store, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	s := &Store{base: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}}
	switch u.Scheme {
	case "file":
		if u.Host != "" || !filepath.IsAbs(u.Path) {
			return nil, fmt.Errorf("blob store %q: want an absolute path with three slashes, file:///var/lib/machine/blobs", raw)
		}
		q := u.Query()
		q.Set("create_dir", "true")
		q.Set("no_tmp_dir", "true") // a rename from another file system would fail
		q.Set("metadata", "skip")   // what it would say is in the job's result
		u.RawQuery = q.Encode()
	case "s3":
		s.prefix = strings.TrimPrefix(path.Clean("/"+u.Path), "/")
		if s.prefix != "" {
			s.prefix += "/"
		}
		s.base.Path = "/"
		u.Path = ""
	default:
		return nil, fmt.Errorf("blob store %q: unknown kind of store %q; write file:///path or s3://bucket", raw, u.Scheme)
	}
	if s.bucket, err = blob.OpenBucket(ctx, u.String()); err != nil {
		return nil, fmt.Errorf("blob store %q: %w", s.base, err)
	}
	return s, nil
}

// Close lets go of the store.
func (s *Store) Close() error { return s.bucket.Close() }

// Attempt returns where one attempt of a job puts its files.
func (s *Store) Attempt(jobID string, fence int64) *Files {
	return &Files{store: s, dir: fmt.Sprintf("%s%s/%d/", s.prefix, clean(jobID), fence), used: map[string]bool{}}
}

// locate is the URL of a key.
func (s *Store) locate(key string) string {
	return s.base.JoinPath(key).String()
}
