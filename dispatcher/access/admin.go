package access

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
)

// adminName is the identity of the admin token that the dispatcher is started with.
const adminName = "admin-token"

const (
	// leastAdmin is the least length of an admin token, in characters: what is shorter can be guessed.
	leastAdmin = 20
	// maxAdminFile bounds the file, in bytes.
	maxAdminFile = 64 << 10
	// statEvery is how often the file is looked at, at most.
	statEvery = time.Second
	hashMark  = "sha256:"
)

// adminToken is the token that doesn't come from Redis: a text or its SHA-256, or a file with one or, while they change over,
// several of these.
type adminToken struct {
	path string // empty: from the environment
	log  *slog.Logger
	now  func() time.Time

	mu      sync.Mutex
	valid   []digest
	looked  time.Time // when the file was last looked at
	seen    os.FileInfo
	problem error // why the file as it is now isn't used
}

// newAdminToken reads the admin token. The error is [ErrNoAdminToken] if none is configured.
func newAdminToken(path, text string, log *slog.Logger, now func() time.Time) (*adminToken, error) {
	switch {
	case path != "" && text != "":
		return nil, errors.New("there are two admin tokens: give either -admin-token-file or MACHINECTL_ADMIN_TOKEN")
	case text != "":
		valid, err := parseAdmin(text)
		if err != nil {
			return nil, fmt.Errorf("MACHINECTL_ADMIN_TOKEN %w", err)
		}
		return &adminToken{valid: valid}, nil
	case path == "":
		return nil, ErrNoAdminToken
	}
	a := &adminToken{path: path, log: log, now: now}
	if err := a.read(); err != nil {
		return nil, fmt.Errorf("the admin token's file %s %w", path, err)
	}
	return a, nil
}

// parseAdmin reads tokens, one a line; what begins with # is a comment. Errors go after the name of the place.
func parseAdmin(text string) ([]digest, error) {
	var out []digest
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if hash, ok := strings.CutPrefix(line, hashMark); ok {
			d, err := parseDigest(strings.ToLower(hash))
			if err != nil {
				return nil, fmt.Errorf("has %s… with something that is %w", hashMark, err)
			}
			out = append(out, d)
			continue
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
			return nil, errors.New("has white space or other characters in a token that can't be sent in a header")
		}
		if len(line) < leastAdmin {
			return nil, fmt.Errorf("has a token of %d characters, want at least %d: make one with `openssl rand -hex 32`", len(line), leastAdmin)
		}
		out = append(out, digestOf(line))
	}
	if len(out) == 0 {
		return nil, errors.New("is empty: put a token there, made with `openssl rand -hex 32`, or its hash as sha256:<hex>")
	}
	return out, nil
}

// matches reports whether a token is the admin token.
func (a *adminToken) matches(d digest) bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refresh()
	found := false
	for _, v := range a.valid { // all of them, so that the time doesn't tell which
		found = v.equal(d) || found
	}
	return found
}

// refresh reads the file again if it has changed. A file that can't be used leaves what was valid in force: an editor or a
// deployment may be in the middle of replacing it.
func (a *adminToken) refresh() {
	if a.path == "" || a.now().Sub(a.looked) < statEvery {
		return
	}
	before := a.problem
	info, err := os.Stat(a.path)
	switch {
	case err != nil:
		a.problem, a.looked, a.seen = fileProblem(err), a.now(), nil
	case a.seen != nil && os.SameFile(a.seen, info) && a.seen.ModTime().Equal(info.ModTime()) && a.seen.Size() == info.Size():
		a.looked = a.now()
		return
	default:
		a.problem = a.read()
	}
	switch {
	case a.problem != nil && (before == nil || before.Error() != a.problem.Error()):
		a.log.Warn("admin token's file not used, the former token stays", "file", a.path, "error", a.problem)
	case a.problem == nil:
		a.log.Info("admin token read again", "file", a.path, "tokens", len(a.valid))
	}
}

// read reads the file and, if it is good, replaces what is valid.
func (a *adminToken) read() error {
	a.looked = a.now()
	info, err := os.Stat(a.path)
	if err != nil {
		return fileProblem(err)
	}
	a.seen = info
	if info.IsDir() || info.Size() > maxAdminFile {
		return errors.New("is not a file with a token")
	}
	b, err := os.ReadFile(a.path)
	if err != nil {
		return fileProblem(err)
	}
	valid, err := parseAdmin(string(b))
	if err != nil {
		return err
	}
	a.valid = valid
	return nil
}

// fileProblem is the reason in a file's error, to go after its name.
func fileProblem(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("can't be read: %w", err)
}

// state returns where the token comes from, and why the file as it is now isn't used.
func (a *adminToken) state() (source, problem string) {
	if a == nil {
		return "", ""
	}
	if a.path == "" {
		return "environment", ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refresh()
	if a.problem != nil {
		problem = "the file " + a.problem.Error() + "; the token before it stays valid"
	}
	return "file", problem
}
