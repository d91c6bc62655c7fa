package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"sync"

	"gocloud.dev/blob"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/queue"
)

// chunk is how much of a file is in memory while it is written, and the size of a part of a multipart upload: the least
// that S3 allows.
const chunk = 5 << 20

// Files are the files of one attempt at one job. It implements [connector.Files]. Safe for concurrent use.
type Files struct {
	store *Store
	dir   string

	mu   sync.Mutex
	used map[string]bool
}

// Store implements [connector.Files].
func (f *Files) Store(ctx context.Context, name, contentType string, r io.Reader) (queue.Blob, error) {
	name = f.unique(clean(name))
	key := f.dir + name
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	w, err := f.store.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType:                 contentType,
		DisableContentTypeDetection: true,
		BufferSize:                  chunk,
		MaxConcurrency:              1,
	})
	if err != nil {
		return queue.Blob{}, connector.Transient(connector.Store, err, "cannot create %s", key)
	}
	src := &source{r: r, sum: sha256.New()}
	size, err := io.Copy(plainWriter{w}, src)
	if err != nil {
		abort() // so that Close throws away what was written
		_ = w.Close()
		if src.err != nil {
			return queue.Blob{}, src.err
		}
		return queue.Blob{}, connector.Transient(connector.Store, err, "cannot write %s", key)
	}
	if err := w.Close(); err != nil {
		return queue.Blob{}, connector.Transient(connector.Store, err, "cannot write %s", key)
	}
	return queue.Blob{
		Name: name, URL: f.store.locate(key), ContentType: contentType,
		Size: size, SHA256: hex.EncodeToString(src.sum.Sum(nil)),
	}, nil
}

// unique returns the name, or where it was used before, the name with a number before its extension.
func (f *Files) unique(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	free := name
	for n := 2; f.used[free]; n++ {
		ext := path.Ext(name)
		free = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
	f.used[free] = true
	return free
}

// clean reduces a name to what is safe in every key, URL and file system.
func clean(name string) string {
	name = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
			return c
		default:
			return '_'
		}
	}, name)
	name = strings.TrimLeft(name, ".")
	if len(name) > 200 { // file systems end at 255 bytes; the extension is worth keeping
		name = name[:100] + name[len(name)-100:]
	}
	if name == "" {
		return "file"
	}
	return name
}

// source reads r, hashes what it read, and remembers r's own error, so that it can be told from the store's.
type source struct {
	r   io.Reader
	sum hash.Hash
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// plainWriter hides the bucket writer's ReadFrom, which would read ahead.
type plainWriter struct{ io.Writer }
