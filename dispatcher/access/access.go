package access

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/queue"
)

// Options configure [New]. Redis is required, and either an admin token or Insecure.
type Options struct {
	Redis  redis.UniversalClient // see [queue.Connect]
	Prefix string                // of the keys; default the queue's
	// AdminTokenFile is a file with the admin token, or its hash as sha256:<hex>. It is read again when it changes, and may have
	// several lines. AdminToken is the same as a text. At most one of them is set.
	AdminTokenFile string
	AdminToken     string
	// Insecure lets a dispatcher without an admin token run: everyone is an administrator. With an admin token it has no effect here.
	Insecure bool
	// Cache is how long the answer of a check is used again, and so how long a revoked token may still work; default 3 s.
	Cache time.Duration
	// Timeout bounds a check and the writing of an audit record; default 2 s.
	Timeout time.Duration
	// Rate bounds each token's requests per second, with as many at the same time; default 2000, negative is without limit.
	Rate   float64
	Logger *slog.Logger // default discards
	Now    func() time.Time
}

// ErrNoAdminToken is returned for options that would lock everybody out or let everybody in.
var ErrNoAdminToken = errors.New("there is no admin token, so nobody could use this dispatcher: make one with `openssl rand -hex 32 > admin-token` " +
	"and start with -admin-token-file admin-token, or set MACHINECTL_ADMIN_TOKEN to it or to its hash, sha256:<hex>; " +
	"-insecure lets everybody in, for a trial")

// The caches' sizes, in entries. Tokens that are refused don't push out those that are good.
const (
	maxKnown   = 10_000
	maxRefused = 1_000
	// usedEvery is how precisely the last use of a token is known.
	usedEvery = time.Minute
)

// Access checks requests. It is safe for concurrent use.
type Access struct {
	Tokens *Tokens
	Audit  *Audit

	admin   *adminToken // nil if there is none
	cache   time.Duration
	timeout time.Duration
	log     *slog.Logger
	now     func() time.Time
	known   *lru.Cache[digest, verdict]
	refused *lru.Cache[digest, verdict]
	noted   *lru.Cache[string, time.Time] // token id → when its use was noted
	limits  *limiters

	mu   sync.Mutex
	mark string // the mark of the first token, once it was seen
}

// verdict is the answer of a check, and until when it holds.
type verdict struct {
	identity Identity
	err      error
	until    time.Time
}

// New returns a checker of requests. It doesn't reach Redis yet.
func New(o Options) (*Access, error) {
	if o.Redis == nil {
		return nil, errors.New("access: Redis is required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for d, v := range map[*time.Duration]time.Duration{&o.Cache: 3 * time.Second, &o.Timeout: 2 * time.Second} {
		if *d <= 0 {
			*d = v
		}
	}
	if o.Rate == 0 {
		o.Rate = 2000
	}
	admin, err := newAdminToken(o.AdminTokenFile, o.AdminToken, o.Logger, o.Now)
	if err != nil && (!o.Insecure || !errors.Is(err, ErrNoAdminToken)) {
		return nil, err
	}
	a := &Access{
		admin: admin, cache: o.Cache, timeout: o.Timeout, log: o.Logger, now: o.Now,
		Audit: &Audit{redis: o.Redis, key: queue.Key(o.Prefix, "access:audit"), timeout: o.Timeout, log: o.Logger},
	}
	a.Tokens = &Tokens{redis: o.Redis, key: queue.Key(o.Prefix, "access:tokens"), usage: queue.Key(o.Prefix, "access:usage"), now: o.Now, changed: a.forget}
	var errs [4]error
	a.known, errs[0] = lru.New[digest, verdict](maxKnown)
	a.refused, errs[1] = lru.New[digest, verdict](maxRefused)
	a.noted, errs[2] = lru.New[string, time.Time](maxKnown)
	a.limits, errs[3] = newLimiters(o.Rate)
	return a, errors.Join(errs[:]...)
}

// Open reports whether everyone is an administrator.
func (a *Access) Open() bool { return a.admin == nil }

// Check returns the identity that an Authorization header proves. The error is a [*RefusedError], or wraps
// [queue.ErrUnavailable] if the token can't be checked now.
func (a *Access) Check(ctx context.Context, authorization string) (Identity, error) {
	if a.Open() {
		return anonymous(), nil
	}
	token, err := bearer(authorization)
	if err != nil {
		return Identity{}, err
	}
	d := digestOf(token)
	if a.admin.matches(d) {
		return Identity{ID: adminName, Name: adminName, Roles: []Role{Admin}}, nil
	}
	id := idOf(token)
	if id == "" {
		return Identity{}, errWrong // it can't be in Redis
	}
	now := a.now()
	for _, cache := range []*lru.Cache[digest, verdict]{a.known, a.refused} {
		if v, ok := cache.Get(d); ok && now.Before(v.until) {
			return v.identity, v.err
		}
	}
	return a.lookUp(ctx, id, d)
}

// lookUp checks a token in Redis.
func (a *Access) lookUp(ctx context.Context, id string, d digest) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	now := a.now() // before the answer, which may be old by the time it is here
	v := verdict{until: now.Add(a.cache)}
	r, err := a.Tokens.get(ctx, id)
	if errors.Is(err, queue.ErrUnavailable) {
		return Identity{}, err
	}
	if v.err = err; err == nil {
		var until time.Time
		v.identity, until, v.err = r.identity(d, now)
		if !until.IsZero() && until.Before(v.until) {
			v.until = until
		}
	}
	if v.err != nil {
		a.refused.Add(d, v)
		return Identity{}, v.err
	}
	a.known.Add(d, v)
	if last, ok := a.noted.Get(id); !ok || now.Sub(last) >= usedEvery {
		a.noted.Add(id, now)
		if err := a.Tokens.used(ctx, id, now); err != nil {
			a.log.Debug("use of a token not noted", "token", id, "error", err)
		}
	}
	return v.identity, nil
}

// Allow reports whether the identity may make a request now, and if not, after how long it may.
func (a *Access) Allow(i Identity) (wait time.Duration, ok bool) {
	return a.limits.allow(i.ID, a.now())
}

// forget drops all answers, so that a change takes effect here immediately.
func (a *Access) forget() {
	a.known.Purge()
	a.refused.Purge()
}

// bearer returns the token in an Authorization header.
func bearer(authorization string) (string, error) {
	if authorization == "" {
		return "", errMissing
	}
	scheme, token, ok := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 512 || strings.ContainsAny(token, " \t") {
		return "", errMalformed
	}
	return token, nil
}

// State is what the dispatcher's status shows of its access control.
type State struct {
	// Open is set if everyone is an administrator: a dispatcher that was started with -insecure and without an admin token.
	Open bool `json:"open"`
	// AdminToken is where the admin token comes from: file or environment. AdminProblem explains why the file as it is now isn't used.
	AdminToken   string `json:"admin_token,omitempty"`
	AdminProblem string `json:"admin_problem,omitempty"`
	// Tokens is how many tokens Redis has; absent while it can't be asked.
	Tokens *int `json:"tokens,omitempty"`
	// Notice explains what is wrong with them.
	Notice string `json:"notice,omitempty"`
}

// State returns the state of access control.
func (a *Access) State(ctx context.Context) State {
	s := State{Open: a.Open()}
	s.AdminToken, s.AdminProblem = a.admin.state()
	if s.Open {
		s.Notice = "started with -insecure and without an admin token: everybody who reaches it is an administrator"
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	n, mark, err := a.Tokens.count(ctx)
	if err != nil {
		s.Notice = "Redis can't be reached: only the admin token is accepted, and tokens that were checked seconds ago"
		return s
	}
	s.Tokens = &n
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.mark != "" && mark == "":
		s.Notice = "Redis has lost its tokens: only the admin token works. Make new ones with machinectl token create"
	case mark == "":
		s.Notice = "Redis has no token: only the admin token works. If there were others, Redis has lost them; make new ones with machinectl token create"
	}
	if mark != "" {
		a.mark = mark
	}
	return s
}
