package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the certificate's files are looked at, at most.
const lookEvery = time.Second

// Certificate is the server's TLS certificate. It is read again when its files change, so that it can be replaced while the
// server runs. Files that can't be used leave the certificate before them in force.
type Certificate struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	looked  time.Time
	seen    [2]os.FileInfo
	problem string
}

// LoadCertificate reads a PEM certificate, with its chain, and its key.
func LoadCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	if cert == "" || key == "" {
		return nil, errors.New("-tls-cert and -tls-key belong together: give both")
	}
	c := &Certificate{cert: cert, key: key, log: log, looked: time.Now()}
	seen, err := c.stat()
	if err != nil {
		return nil, err
	}
	c.seen = seen
	c.pair, err = c.load()
	return c, err
}

// config returns the server's side of TLS.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// current returns the certificate, after reading files that have changed.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookEvery {
		return c.pair
	}
	c.looked = time.Now()
	seen, err := c.stat()
	if err == nil && same(seen, c.seen) {
		return c.pair
	}
	var pair *tls.Certificate
	if err == nil {
		pair, err = c.load()
	}
	if err != nil {
		// They are tried again: one of the two may not have been replaced yet.
		if c.problem != err.Error() {
			c.problem = err.Error()
			c.log.Warn("new certificate not used, the former one stays", "error", err)
		}
		return c.pair
	}
	c.pair, c.seen, c.problem = pair, seen, ""
	c.log.Info("certificate read again", "file", c.cert, "not_after", pair.Leaf.NotAfter)
	return c.pair
}

func (c *Certificate) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s and the key %s can't be used together: both must be PEM, the certificate first in its file and made for that key", c.cert, c.key)
	}
	return &pair, nil
}

func (c *Certificate) stat() (seen [2]os.FileInfo, err error) {
	for i, path := range []string{c.cert, c.key} {
		if seen[i], err = os.Stat(path); err != nil {
			return seen, fmt.Errorf("-tls-cert, -tls-key: %w", err)
		}
	}
	return seen, nil
}

// same reports whether files are as they were.
func same(now, before [2]os.FileInfo) bool {
	for i := range now {
		if before[i] == nil || !os.SameFile(now[i], before[i]) || !now[i].ModTime().Equal(before[i].ModTime()) || now[i].Size() != before[i].Size() {
			return false
		}
	}
	return true
}
