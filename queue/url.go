package queue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// urlParameters are this package's own parameters in a Redis URL; what else a URL may say is go-redis' ParseURL's.
type urlParameters struct {
	master, sentinelPassword, ca, cert, key, serverName string
	cluster                                             bool
}

// readTimeout is how long Redis has for an answer.
const readTimeout = 5 * time.Second

// redisOptions reads Options.URL. Retries are this package's own business: a claim sent twice would lose a job for a lease.
func redisOptions(o Options) (*redis.UniversalOptions, error) {
	out := &redis.UniversalOptions{
		ClientName: "machinectl", MaxRetries: -1, ContextTimeoutEnabled: true, PoolSize: o.PoolSize,
		DialTimeout: 3 * time.Second, ReadTimeout: readTimeout, WriteTimeout: 5 * time.Second,
		DisableIdentity: true, DialerRetries: 1, MaxRedirects: 2,
	}
	var p urlParameters
	for one := range strings.SplitSeq(o.URL, ",") {
		plain, err := p.cut(strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		parsed, err := redis.ParseURL(plain)
		if err != nil {
			return nil, fmt.Errorf("queue: the Redis URL can't be read: %w", redact(err, plain))
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
		return nil, fmt.Errorf("queue: the Redis URL asks for database %d: a cluster has only database 0", out.DB)
	}
	return out, p.addTLS(out)
}

// cut takes this package's parameters out of a URL.
func (p *urlParameters) cut(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("queue: the Redis URL can't be read: %w", redact(err, raw))
	}
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
			return "", fmt.Errorf("queue: the Redis URL says cluster=%s: write true or false", printable(v))
		}
		p.cluster = q.Get("cluster") == "true"
		q.Del("cluster")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// addTLS completes the TLS configuration that rediss:// asks for.
func (p *urlParameters) addTLS(out *redis.UniversalOptions) error {
	if out.TLSConfig == nil {
		if p.ca+p.cert+p.key+p.serverName != "" {
			return errors.New("queue: the Redis URL has TLS parameters (ca, cert, key, server_name) but isn't rediss://")
		}
		return nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.serverName}
	if t.ServerName == "" && len(out.Addrs) == 1 && out.MasterName == "" && !out.IsClusterMode {
		t.ServerName = out.TLSConfig.ServerName // with several servers each one's own name counts
	}
	if p.ca != "" {
		pem, err := os.ReadFile(p.ca)
		if err != nil {
			return fmt.Errorf("queue: the Redis URL's ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("queue: the Redis URL's ca: %s holds no PEM certificate", p.ca)
		}
	}
	if (p.cert == "") != (p.key == "") {
		return errors.New("queue: the Redis URL needs cert and key together")
	}
	if p.cert != "" {
		pair, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return fmt.Errorf("queue: the Redis URL's cert and key: %w", err)
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

// redact keeps a password in the URL out of the error.
func redact(err error, raw string) error {
	if _, rest, ok := strings.Cut(raw, "://"); ok && strings.Contains(rest, "@") {
		return errors.New("write redis://user:password@host:port/db")
	}
	return err
}
