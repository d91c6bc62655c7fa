package access_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const admin = "an-admin-token-for-tests"

// door is an access control under test, with a clock that the test moves.
type door struct {
	*access.Access
	t     *testing.T
	clock *atomic.Int64
	redis redis.UniversalClient
	log   *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func open(t *testing.T, url string, change func(*access.Options)) *door {
	t.Helper()
	client, err := queue.Connect(queue.Options{URL: url})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	d := &door{t: t, clock: &atomic.Int64{}, redis: client, log: &lockedBuffer{}}
	d.clock.Store(time.Now().UnixNano())
	o := access.Options{
		Redis: client, AdminToken: admin, Now: d.now,
		Logger: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	d.Access, err = access.New(o)
	require.NoError(t, err)
	return d
}

func (d *door) now() time.Time { return time.Unix(0, d.clock.Load()) }

func (d *door) later(by time.Duration) { d.clock.Add(int64(by)) }

// try checks a token and returns the reason of a refusal, or "".
func (d *door) try(token string) (access.Identity, string) {
	d.t.Helper()
	return d.header("Bearer " + token)
}

func (d *door) header(text string) (access.Identity, string) {
	d.t.Helper()
	i, err := d.Check(context.Background(), text)
	var refused *access.RefusedError
	switch {
	case err == nil:
		return i, ""
	case errors.As(err, &refused):
		require.Equal(d.t, access.Identity{}, i)
		return i, refused.Reason
	case errors.Is(err, queue.ErrUnavailable):
		require.Equal(d.t, access.Identity{}, i)
		return i, "unavailable"
	default:
		require.NoError(d.t, err)
		return i, ""
	}
}

func (d *door) create(o access.Order) (access.Token, string) {
	d.t.Helper()
	token, text, err := d.Tokens.Create(d.t.Context(), o, "tests")
	require.NoError(d.t, err)
	return token, text
}

func reader(name string) access.Order {
	return access.Order{Name: name, Roles: []access.Role{access.Read}}
}

func TestLifeOfAToken(t *testing.T) {
	server := queuetest.StartRedis(t)
	here, there := open(t, server.URL, nil), open(t, server.URL, nil)
	made, text := here.create(access.Order{Name: "web", Roles: []access.Role{access.Submit, access.Read, access.Submit}, Tenant: "acme"})
	require.Equal(t, []access.Role{access.Read, access.Submit}, made.Roles)
	require.Contains(t, text, "mctl_"+made.ID+"_")
	for _, d := range []*door{here, there} {
		i, why := d.try(text)
		require.Empty(t, why)
		require.Equal(t, access.Identity{ID: made.ID, Name: "web", Roles: made.Roles, Tenant: "acme"}, i)
		_, why = d.header("bearer  " + text)
		require.Empty(t, why, "the scheme's case and the number of spaces don't matter")
	}
	list, err := there.Tokens.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "tests", list[0].CreatedBy)
	require.WithinDuration(t, here.now(), *list[0].UsedAt, 2*time.Second)
	shown, err := json.Marshal(list)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(text))
	for _, secret := range []string{text, text[len(text)-52:], hex.EncodeToString(sum[:]), "hash"} {
		require.NotContains(t, string(shown), secret)
	}
	stored, err := here.redis.HGetAll(t.Context(), queue.Key("", "access:tokens")).Result()
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprint(stored), text[len(text)-52:], "Redis has the hash only")
	require.Contains(t, fmt.Sprint(stored), hex.EncodeToString(sum[:]))

	gone, err := here.Tokens.Revoke(t.Context(), "web")
	require.NoError(t, err)
	require.Equal(t, made.ID, gone.ID)
	_, why := here.try(text)
	require.Equal(t, "wrong", why, "immediately on the dispatcher that revoked it")
	_, why = there.try(text)
	require.Empty(t, why, "another one has it in its cache")
	there.later(3 * time.Second)
	_, why = there.try(text)
	require.Equal(t, "wrong", why, "for three seconds")
	_, err = here.Tokens.Revoke(t.Context(), "web")
	require.ErrorIs(t, err, access.ErrNoToken)
	left, err := here.redis.HGetAll(t.Context(), queue.Key("", "access:usage")).Result()
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestRotation(t *testing.T) {
	d := open(t, queuetest.StartRedis(t).URL, nil)
	made, former := d.create(reader("monitor"))
	before, after, current, err := d.Tokens.Rotate(t.Context(), made.ID, time.Hour)
	require.NoError(t, err)
	require.Nil(t, before.RotatedAt)
	require.Equal(t, made.ID, after.ID)
	require.WithinDuration(t, d.now().Add(time.Hour), *after.OverlapUntil, 2*time.Second)
	for _, text := range []string{former, current} {
		i, why := d.try(text)
		require.Empty(t, why)
		require.Equal(t, made.ID, i.ID)
	}
	d.later(time.Hour - 2*time.Second)
	_, why := d.try(former)
	require.Empty(t, why)
	d.later(2 * time.Second)
	_, why = d.try(former)
	require.Equal(t, "rotated", why, "an answer isn't used again beyond the overlap")
	_, why = d.try(current)
	require.Empty(t, why)

	_, _, third, err := d.Tokens.Rotate(t.Context(), "monitor", 0)
	require.NoError(t, err)
	_, why = d.try(current)
	require.Equal(t, "rotated", why, "no overlap")
	_, why = d.try(former)
	require.Equal(t, "wrong", why, "only one former secret is remembered")
	_, why = d.try(third)
	require.Empty(t, why)
	_, after, _, err = d.Tokens.Rotate(t.Context(), "other", 0)
	require.ErrorIs(t, err, access.ErrNoToken)
	require.Empty(t, after)
	for _, overlap := range []time.Duration{-1, 31 * 24 * time.Hour} {
		_, after, _, err = d.Tokens.Rotate(t.Context(), "monitor", overlap)
		require.ErrorContains(t, err, "overlap")
		require.Empty(t, after)
	}
}

func TestExpiry(t *testing.T) {
	d := open(t, queuetest.StartRedis(t).URL, nil)
	made, text := d.create(access.Order{Name: "short", Roles: []access.Role{access.Submit}, Life: time.Minute})
	require.WithinDuration(t, d.now().Add(time.Minute), *made.ExpiresAt, 2*time.Second)
	d.later(58 * time.Second)
	_, why := d.try(text)
	require.Empty(t, why)
	d.later(2 * time.Second)
	_, why = d.try(text)
	require.Equal(t, "expired", why, "an answer isn't used again beyond the end")
	_, why = d.try(text[:len(text)-1] + flipped(text))
	require.Equal(t, "wrong", why, "only a client that has the secret learns that it has expired")

	d.later(31 * 24 * time.Hour)
	d.create(reader("next"))
	list, err := d.Tokens.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1, "what has been expired for a month goes")
}

// flipped is a last character that differs from a token's.
func flipped(token string) string {
	if strings.HasSuffix(token, "a") {
		return "q"
	}
	return "a"
}

func TestWhatIsRefused(t *testing.T) {
	d := open(t, queuetest.StartRedis(t).URL, nil)
	_, text := d.create(reader("web"))
	_, other := d.create(reader("other"))
	for header, reason := range map[string]string{
		"":                                   "missing",
		"Bearer":                             "malformed",
		"Bearer ":                            "malformed",
		"Basic " + text:                      "malformed",
		text:                                 "malformed",
		"Bearer " + text + " " + text:        "malformed",
		"Bearer " + text + "," + admin:       "wrong",
		"Bearer " + strings.Repeat("x", 513): "malformed",
		"Bearer x":                           "wrong",
		"Bearer " + admin + "x":              "wrong",
		"Bearer " + admin[1:]:                "wrong",
		"Bearer " + strings.ToUpper(text):    "wrong",
		"Bearer " + text[:len(text)-1]:       "wrong",
		"Bearer " + text[:len(text)-1] + flipped(text):                           "wrong",
		"Bearer " + text[:len(text)-52] + other[len(other)-52:]:                  "wrong",
		"Bearer mctl_made_" + strings.Repeat("a", 52):                            "wrong",
		"Bearer mctl_" + strings.Repeat("a", 13) + "_" + strings.Repeat("a", 52): "wrong",
		"Bearer " + text + "\x00":                                                "wrong",
	} {
		for range 2 { // the second answer is from the cache
			_, why := d.header(header)
			require.Equal(t, reason, why, "%q", header)
		}
	}
	_, why := d.try(text)
	require.Empty(t, why)
	_, why = d.try(admin)
	require.Empty(t, why)
	require.NotContains(t, d.log.String(), text[20:])
	require.NotContains(t, d.log.String(), admin)
}

// TestRedisAway: what can't be checked is refused as unavailable; the admin token and what was just checked work.
func TestRedisAway(t *testing.T) {
	server := queuetest.StartRedis(t)
	d := open(t, server.URL, func(o *access.Options) { o.Timeout = 500 * time.Millisecond })
	_, used := d.create(reader("used"))
	_, unused := d.create(reader("unused"))
	_, why := d.try(used)
	require.Empty(t, why)
	server.Kill()
	for token, want := range map[string]string{admin: "", used: "", unused: "unavailable", "x": "wrong"} {
		_, why := d.try(token)
		require.Equal(t, want, why, token[:1])
	}
	d.later(3 * time.Second)
	_, why = d.try(used)
	require.Equal(t, "unavailable", why)
	require.Contains(t, d.State(t.Context()).Notice, "Redis can't be reached")
	_, _, err := d.Tokens.Create(t.Context(), reader("more"), "tests")
	require.ErrorIs(t, err, queue.ErrUnavailable)

	server.Start()
	require.Eventually(t, func() bool { _, why := d.try(used); return why == "" }, 30*time.Second, 20*time.Millisecond)
	// A key of another type, or a user without permission, is a check that can't be made.
	require.NoError(t, d.redis.Set(t.Context(), queue.Key("", "access:tokens"), "x", 0).Err())
	d.later(3 * time.Second)
	_, why = d.try(used)
	require.Equal(t, "unavailable", why)
	_, why = d.try(admin)
	require.Empty(t, why)
}

// TestEmptiedRedis: nobody is locked out, and the state tells that the tokens are gone.
func TestEmptiedRedis(t *testing.T) {
	server := queuetest.StartRedis(t)
	d := open(t, server.URL, nil)
	require.Contains(t, d.State(t.Context()).Notice, "Redis has no token")
	d.create(reader("web"))
	s := d.State(t.Context())
	require.Empty(t, s.Notice)
	require.Equal(t, 1, *s.Tokens)
	require.Equal(t, "environment", s.AdminToken)
	_, err := d.Tokens.Revoke(t.Context(), "web")
	require.NoError(t, err)
	require.Empty(t, d.State(t.Context()).Notice, "an administrator has revoked the last one")
	_, text := d.create(reader("web"))

	require.NoError(t, d.redis.FlushAll(t.Context()).Err())
	d.later(3 * time.Second)
	_, why := d.try(text)
	require.Equal(t, "wrong", why)
	i, why := d.try(admin)
	require.Empty(t, why)
	require.True(t, i.May(access.Admin))
	require.Contains(t, d.State(t.Context()).Notice, "Redis has lost its tokens")
	require.Contains(t, open(t, server.URL, nil).State(t.Context()).Notice, "If there were others", "a dispatcher that starts later can't know")
	d.create(reader("web"))
	require.Empty(t, d.State(t.Context()).Notice)
}

func TestOrdersThatAreRefused(t *testing.T) {
	d := open(t, queuetest.StartRedis(t).URL, nil)
	d.create(reader("taken"))
	for _, tc := range []struct {
		order access.Order
		field string
	}{
		{access.Order{Roles: []access.Role{access.Read}}, "name"},
		{reader("a b"), "name"},
		{reader("-x"), "name"},
		{reader(strings.Repeat("n", 65)), "name"},
		{reader("abcdefghijklm"), "name"},
		{reader("admin-token"), "name"},
		{reader("anonymous"), "name"},
		{access.Order{Name: "x"}, "roles"},
		{access.Order{Name: "x", Roles: []access.Role{"root"}}, "roles"},
		{access.Order{Name: "x", Roles: []access.Role{access.Operate}, Tenant: "acme"}, "roles"},
		{access.Order{Name: "x", Roles: []access.Role{access.Submit, access.Admin}, Tenant: "acme"}, "roles"},
		{access.Order{Name: "x", Roles: []access.Role{access.Submit}, Tenant: "a\nb"}, "tenant"},
		{access.Order{Name: "x", Roles: []access.Role{access.Submit}, Tenant: strings.Repeat("t", 129)}, "tenant"},
		{access.Order{Name: "x", Roles: []access.Role{access.Submit}, Life: time.Second}, "expires_in"},
		{access.Order{Name: "x", Roles: []access.Role{access.Submit}, Life: 11 * 365 * 24 * time.Hour}, "expires_in"},
		{access.Order{Name: "x", Roles: []access.Role{access.Submit}, Life: -time.Hour}, "expires_in"},
	} {
		_, _, err := d.Tokens.Create(t.Context(), tc.order, "tests")
		var invalid *queue.InvalidError
		require.ErrorAs(t, err, &invalid, "%+v", tc.order)
		require.Equal(t, tc.field, invalid.Field, invalid.Problem)
	}
	_, _, err := d.Tokens.Create(t.Context(), reader("taken"), "tests")
	var conflict *access.ConflictError
	require.ErrorAs(t, err, &conflict)
}

// TestChangesAtTheSameTime: none gets lost, and of two tokens with one name one is refused.
func TestChangesAtTheSameTime(t *testing.T) {
	server := queuetest.StartRedis(t)
	doors := []*door{open(t, server.URL, nil), open(t, server.URL, nil)}
	var group sync.WaitGroup
	var made, twice atomic.Int64
	for n := range 12 {
		group.Go(func() {
			_, _, err := doors[n%2].Tokens.Create(context.Background(), reader(fmt.Sprint("token", n/2)), "tests")
			var conflict *access.ConflictError
			switch {
			case err == nil:
				made.Add(1)
			case errors.As(err, &conflict):
				twice.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 6, made.Load())
	require.EqualValues(t, 6, twice.Load())
	list, err := doors[0].Tokens.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 6)
}

// TestChecksAreCached: a token in use costs Redis one reading in three seconds, and an unknown one too.
func TestChecksAreCached(t *testing.T) {
	d := open(t, queuetest.StartRedis(t).URL, nil)
	_, text := d.create(reader("web"))
	unknown := text[:len(text)-1] + flipped(text)
	reads := func() int {
		info, err := d.redis.InfoMap(t.Context(), "commandstats").Result()
		require.NoError(t, err)
		var calls int
		_, err = fmt.Sscanf(info["Commandstats"]["cmdstat_hget"], "calls=%d", &calls)
		require.NoError(t, err)
		return calls
	}
	d.try(text)
	d.try(unknown)
	before := reads()
	for range 1000 {
		d.try(text)
		d.try(unknown)
	}
	require.Equal(t, before, reads())
	d.later(3 * time.Second)
	d.try(text)
	require.Equal(t, before+1, reads())
}

func TestRoles(t *testing.T) {
	for role, includes := range map[access.Role]string{
		access.Submit: "submit", access.Read: "read", access.Operate: "submit read operate", access.Admin: "submit read operate admin",
	} {
		for _, other := range access.Roles() {
			require.Equal(t, strings.Contains(includes, string(other)), access.Identity{Roles: []access.Role{role}}.May(other), "%s %s", role, other)
		}
	}
	require.False(t, access.Identity{}.May(access.Submit))
	require.False(t, access.FromContext(t.Context()).May(access.Read))
	i := access.Identity{Tenant: "acme"}
	require.True(t, i.Sees("acme"))
	require.False(t, i.Sees(""), "a job without a tenant isn't everybody's")
	require.False(t, i.Sees("other"))
}

func TestRequestsPerToken(t *testing.T) {
	d := open(t, queuetest.StartRedis(t).URL, func(o *access.Options) { o.Rate = 2 })
	one, two := access.Identity{ID: "one"}, access.Identity{ID: "two"}
	for range 2 {
		_, ok := d.Allow(one)
		require.True(t, ok)
	}
	for range 3 { // a refused request costs nothing
		wait, ok := d.Allow(one)
		require.False(t, ok)
		require.Equal(t, 500*time.Millisecond, wait)
	}
	_, ok := d.Allow(two)
	require.True(t, ok, "each token has its own budget")
	d.later(500 * time.Millisecond)
	_, ok = d.Allow(one)
	require.True(t, ok)
	free := open(t, queuetest.StartRedis(t).URL, func(o *access.Options) { o.Rate = -1 })
	for range 10_000 {
		_, ok := free.Allow(one)
		require.True(t, ok)
	}
}
