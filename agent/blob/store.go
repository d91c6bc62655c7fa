package blob

import (
	"context"
	"fmt"
	"io"
	"net/url"
)

// Store is an open store.
type Store struct {
	driver driver
	base   *url.URL // of the files
	prefix string   // of each key, "" or ending in "/"
}

// driver is one kind of store.
type driver interface {
	// put writes all of r under key, or nothing. It returns r's error as is or wrapped. It returns a *refusedError if another
	// attempt would be refused too, on any machine.
	put(ctx context.Context, key, contentType string, r io.Reader) error
}

// refusedError is a store's permanent refusal.
type refusedError struct{ store, said string }

func (e *refusedError) Error() string { return e.store + " refuses: " + e.said }

// Open opens the store at a URL:
//
//	file:///path                    a directory, which is created
//	s3://bucket/prefix              Amazon S3; credentials and region come from the environment, as for Amazon's own tools
//	    ?region=eu-central-1        the region
//	    &endpoint=https://host      another server that speaks S3's protocol
//	    &path_style=true            the bucket's name goes into the path, as such servers often want it
//
// It does not connect to a remote store yet.
func Open(ctx context.Context, raw string) (*Store, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("blob store %q is not a URL: write file:///path or s3://bucket", raw)
	}
	var s *Store
	switch u.Scheme {
	case "file":
		s, err = openFile(u)
	case "s3":
		s, err = openS3(ctx, u)
	default:
		err = fmt.Errorf("unknown kind of store %q; write file:///path or s3://bucket", u.Scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("blob store %q: %w", raw, err)
	}
	return s, nil
}

// Attempt returns the destination of the files of one attempt at a job.
func (s *Store) Attempt(jobID string, fence int64) *Files {
	return &Files{store: s, dir: fmt.Sprintf("%s%s/%d/", s.prefix, clean(jobID), fence), used: map[string]bool{}}
}

// locate returns the URL of a key.
func (s *Store) locate(key string) string {
	return s.base.JoinPath(key).String()
}

// unknown returns the name of an option of the URL that is not among the known ones, or "".
func unknown(q url.Values, known ...string) string {
	for name := range q {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return name
		}
	}
	return ""
}
