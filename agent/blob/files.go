package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/queue"
)

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
	src := &source{r: r, sum: sha256.New()}
	if err := f.store.driver.put(ctx, key, contentType, src); err != nil {
		if src.err != nil {
			return queue.Blob{}, src.err
		}
		if refused, ok := errors.AsType[*refusedError](err); ok {
			return queue.Blob{}, connector.Final(connector.Store, "cannot write %s: %s refuses: %s", key, refused.store, refused.said)
		}
		return queue.Blob{}, connector.Transient(connector.Store, err, "cannot write %s", key)
	}
	return queue.Blob{
		Name: name, URL: f.store.locate(key), ContentType: contentType,
		Size: src.size, SHA256: hex.EncodeToString(src.sum.Sum(nil)),
	}, nil
}

// unique returns the name or, if it is taken, the name with a number before its extension.
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

// clean reduces a name to characters that are safe in every key, URL and file system.
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
	if len(name) > 200 { // file systems allow 255 bytes; the extension is kept
		name = name[:100] + name[len(name)-100:]
	}
	if name == "" {
		return "file"
	}
	return name
}

// source reads r, hashes and counts what it read, and keeps r's error, to distinguish it from the store's.
type source struct {
	r    io.Reader
	sum  hash.Hash
	size int64
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	s.size += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
