package queue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/redis/go-redis/v9"
)

// urlParameters are this package's own parameters in a Redis URL. go-redis' ParseURL reads the others.
type urlParameters struct {
	master, sentinelPassword, ca, cert, key, serverName string
	cluster                                             bool
}

// readTimeout is how long Redis may take to answer.
const readTimeout = 5 * time.Second

// URLError refuses a Redis URL that can never be used.
type URLError struct {
	Problem string // what is wrong; it doesn't contain the password
}

func (e *URLError) Error() string {
	return "the Redis URL " + e.Problem + ": write redis://user:password@host:port/db"
}

func urlErrorf(format string, args ...any) error { return &URLError{fmt.Sprintf(format, args...)} }

// CheckURL refuses a URL with which [Open] can never succeed. It does not connect.
func CheckURL(raw string) error {
	_, err := redisOptions(Options{URL: raw})
	return err
}

// redisOptions reads Options.URL. go-redis must not retry: a claim sent twice would keep a job unrun for a lease.
// The error is a [*URLError].
func redisOptions(o Options) (*redis.UniversalOptions, error) {
	out := &redis.UniversalOptions{
		ClientName: "machinectl", MaxRetries: -1, ContextTimeoutEnabled: true, PoolSize: o.PoolSize,
		DialTimeout: 3 * time.Second, ReadTimeout: readTimeout, WriteTimeout: 5 * time.Second,
		DisableIdentity: true, DialerRetries: 1, MaxRedirects: 2,
	}
	if strings.TrimSpace(o.URL) == "" {
		return nil, urlErrorf("is missing")
	}
	var p urlParameters
	scheme := ""
	for one := range strings.SplitSeq(o.URL, ",") {
		u, err := parseOne(strings.Trim(one, " "), strings.Contains(o.URL, ","))
		if err != nil {
			return nil, err
		}
		if scheme != "" && scheme != u.Scheme {
			return nil, urlErrorf("list has both %s:// and %s:// in it", scheme, u.Scheme)
		}
		scheme = u.Scheme
		if err := p.cut(u); err != nil {
			return nil, err
		}
		parsed, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, explainURL(u)
		}
		out.Addrs = append(out.Addrs, parsed.Addr)
		out.Username, out.Password, out.DB, out.TLSConfig = parsed.Username, parsed.Password, parsed.DB, parsed.TLSConfig
		if parsed.Network == "unix" {
			out.Dialer = unixDialer(parsed.Addr)
		}
	}
	out.MasterName, out.SentinelPassword, out.IsClusterMode = p.master, p.sentinelPassword, p.cluster
	if out.MasterName == "" && len(out.Addrs) > 1 {
		out.IsClusterMode = true
	}
	if out.IsClusterMode && out.DB != 0 {
		return nil, urlErrorf("asks for database %d, and a cluster has only database 0", out.DB)
	}
	return out, p.addTLS(out)
}

// parseOne reads one URL. listed reports whether it is one of several.
func parseOne(raw string, listed bool) (*url.URL, error) {
	switch {
	case raw == "":
		return nil, urlErrorf("list has an empty entry")
	case strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return nil, urlErrorf("has white space in it")
	case !strings.Contains(raw, ":") || strings.HasPrefix(raw, "//") || raw[0] >= '0' && raw[0] <= '9':
		return nil, urlErrorf("has no scheme")
	}
	u, err := url.Parse(raw)
	switch {
	case listed && strings.Count(raw, "@") == 0 && strings.Count(raw, ":") > 1 && err != nil:
		return nil, urlErrorf("can't be read as a list: write %%2C for a comma that is part of a password")
	case err != nil:
		return nil, explainRaw(raw)
	case u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix":
		if listed && strings.Contains(raw, "@") {
			return nil, urlErrorf("can't be read as a list: write %%2C for a comma that is part of a password")
		}
		return nil, urlErrorf("has the scheme %q", printable(u.Scheme))
	}
	return u, checkPlace(u)
}

// checkPlace refuses a URL that names no server.
func checkPlace(u *url.URL) error {
	port := u.Port()
	switch {
	case u.Scheme == "unix" && (u.Host != "" || u.Path == ""):
		return urlErrorf("names no socket: write unix:///path/of/the/socket, with three slashes, or for TCP")
	case u.Scheme == "unix":
		return nil
	case u.Hostname() == "":
		return urlErrorf("names no host")
	case strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "["):
		return urlErrorf("has more than one port")
	case port == "" && !strings.HasSuffix(u.Host, ":"):
		return nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return urlErrorf("has the port %s, and a port is a number from 1 to 65535", orElse(port, `""`))
	}
	return nil
}

// explainRaw explains why a text is not a URL.
func explainRaw(raw string) error {
	if strings.Contains(raw, "${") {
		return urlErrorf("has ${…} in it, which was not replaced by its value")
	}
	_, rest, _ := strings.Cut(raw, "://")
	authority, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	userinfo, host := authority[:max(at, 0)], authority[at+1:]
	_, after, hasColon := strings.Cut(host, ":")
	if i := strings.LastIndexByte(rest, '@'); i > len(authority) {
		return urlErrorf("has a / in the password: write %%2F for it")
	}
	for i := range len(raw) {
		if raw[i] == '%' && !escaped(raw[i:]) {
			return urlErrorf("has a %% that is not part of an escape such as %%2F: write %%25 for the character")
		}
	}
	if hasColon && at < 0 || hasColon && userinfo != "" {
		return urlErrorf("has the port %q, and a port is a number from 1 to 65535", printable(after))
	}
	return urlErrorf("can't be read")
}

// escaped reports whether text begins with an escape such as %2F.
func escaped(text string) bool {
	if len(text) < 3 {
		return false
	}
	_, err := strconv.ParseUint(text[1:3], 16, 8)
	return err == nil
}

// explainURL explains what go-redis refuses in a URL: its database, or one of its parameters.
func explainURL(u *url.URL) error {
	db := strings.Trim(u.Path, "/")
	if u.Scheme == "unix" {
		db = ""
	}
	if q := u.Query(); q.Has("db") {
		db = q.Get("db")
	}
	if n, err := strconv.Atoi(db); db != "" && (err != nil || n < 0) {
		return urlErrorf("asks for database %q, and a database is a number from 0 on", printable(db))
	}
	base := *u
	for name := range u.Query() {
		base.RawQuery = url.Values{name: u.Query()[name]}.Encode()
		if _, err := redis.ParseURL(base.String()); err != nil {
			return urlErrorf("has the parameter %q, which is unknown or has an unusable value", printable(name))
		}
	}
	return urlErrorf("can't be read")
}

// cut removes this package's parameters from a URL. It refuses a negative database, which go-redis would accept.
func (p *urlParameters) cut(u *url.URL) error {
	q := u.Query()
	for name, target := range map[string]*string{
		"master": &p.master, "sentinel_password": &p.sentinelPassword, "ca": &p.ca, "cert": &p.cert, "key": &p.key, "server_name": &p.serverName,
	} {
		if q.Has(name) {
			*target = q.Get(name)
			q.Del(name)
		}
	}
	if q.Has("cluster") {
		if v := q.Get("cluster"); v != "true" && v != "false" {
			return urlErrorf("has cluster=%s, which must be true or false", printable(v))
		}
		p.cluster = q.Get("cluster") == "true"
		q.Del("cluster")
	}
	for _, db := range []string{q.Get("db"), strings.Trim(u.Path, "/")} {
		if n, err := strconv.Atoi(db); err == nil && n < 0 {
			return explainURL(u)
		}
	}
	u.RawQuery = q.Encode()
	return nil
}

// addTLS completes the TLS configuration that rediss:// asks for.
func (p *urlParameters) addTLS(out *redis.UniversalOptions) error {
	if out.TLSConfig == nil {
		if p.ca+p.cert+p.key+p.serverName != "" {
			return urlErrorf("has TLS parameters (ca, cert, key, server_name) but isn't rediss://")
		}
		return nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.serverName}
	if t.ServerName == "" && len(out.Addrs) == 1 && out.MasterName == "" && !out.IsClusterMode {
		t.ServerName = out.TLSConfig.ServerName // of several servers each has its own name
	}
	if p.ca != "" {
		pem, err := os.ReadFile(p.ca)
		if err != nil {
			return urlErrorf("names a ca that can't be read, %s", p.ca)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return urlErrorf("names a ca, %s, which holds no PEM certificate", p.ca)
		}
	}
	if (p.cert == "") != (p.key == "") {
		return urlErrorf("needs cert and key together")
	}
	if p.cert != "" {
		pair, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return urlErrorf("names a cert, %s, and a key, %s, which can't be used together", p.cert, p.key)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	out.TLSConfig = t
	return nil
}

func unixDialer(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "unix", addr)
	}
}
