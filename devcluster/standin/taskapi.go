package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"
)

// tokens holds the issued workload identities. They are random rather than JWTs, because only the Task API checks them.
type tokens struct {
	mu    sync.Mutex
	valid map[string]identity
}

// identity is the task that a token was issued to.
type identity struct{ alloc, task string }

func newTokens() *tokens { return &tokens{valid: map[string]identity{}} }

// issue returns a task's token, which is the same each time the task starts.
func (t *tokens) issue(a *api.Allocation, task string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	who := identity{a.ID, task}
	for token, id := range t.valid {
		if id == who {
			return token
		}
	}
	token := "standin." + task + "." + newID()
	t.valid[token] = who
	return token
}

func (t *tokens) known(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.valid[token]
	return ok
}

func (t *tokens) revoke(allocID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token, id := range t.valid {
		if id.alloc == allocID {
			delete(t.valid, token)
		}
	}
}

// requireToken rejects requests without a workload identity, which the Task API requires even without ACLs.
func (t *tokens) requireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Nomad-Token")
		if token == "" {
			token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		if !t.known(token) {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// maxSocketPath is the maximum length of a socket's path on Linux. Elsewhere it is a little less, and listening fails.
const maxSocketPath = 107

// serveTaskAPI serves h on a unix socket until the returned function is called.
func serveTaskAPI(path string, h http.Handler) (func(), error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("socket path %s is %d bytes long, the system takes %d: use a shorter folder", path, len(path), maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // returns ErrServerClosed
	}()
	return func() {
		_ = srv.Close() // an error has no consequence: the socket is removed with the folder
		<-done
	}, nil
}

// listenOnce serves a task's socket from its first start to the allocation's end.
func (r *allocRunner) listenOnce(task, path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sockets[task] != nil {
		return nil
	}
	stop, err := r.client.listen(path)
	if err == nil {
		r.sockets[task] = stop
	}
	return err
}

// closeTaskAPI closes the sockets and revokes the tokens.
func (r *allocRunner) closeTaskAPI() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, stop := range r.sockets {
		stop()
	}
	r.sockets = map[string]func(){}
	r.client.tokens.revoke(r.id)
}

// uuidOf returns a stable id in UUID form for a text.
func uuidOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
