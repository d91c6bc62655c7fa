package queue

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/hcl/redisurl"
)

// How long Redis may take to accept a connection, to answer and to take a request, where the URL doesn't say.
const (
	dialTimeout  = 3 * time.Second
	readTimeout  = 5 * time.Second
	writeTimeout = 5 * time.Second
)

// URLError refuses a Redis URL that can never be used. It doesn't contain the password.
type URLError = redisurl.Error

func urlErrorf(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return &URLError{Problem: text, Discreet: text}
}

// CheckURL refuses a URL with which [Open] can never succeed. It does not connect.
func CheckURL(raw string) error {
	_, err := redisOptions(Options{URL: raw})
	return err
}

// redisOptions reads Options.URL. go-redis must not retry: a claim sent twice would keep a job unrun for a lease.
// The error is a [*URLError].
func redisOptions(o Options) (*redis.UniversalOptions, error) {
	u, wrong := redisurl.Parse(o.URL)
	if wrong != nil {
		return nil, wrong
	}
	out := &redis.UniversalOptions{
		ClientName: "machinectl", MaxRetries: -1, ContextTimeoutEnabled: true, DisableIdentity: true, DialerRetries: 1, MaxRedirects: 2,
		Addrs: u.Addrs, Username: u.User, Password: u.Password, DB: u.DB,
		MasterName: u.Master, SentinelPassword: u.SentinelPassword, IsClusterMode: u.Cluster,
		DialTimeout: cmp.Or(u.DialTimeout, dialTimeout), ReadTimeout: cmp.Or(u.ReadTimeout, readTimeout), WriteTimeout: cmp.Or(u.WriteTimeout, writeTimeout),
		PoolSize: cmp.Or(u.PoolSize, o.PoolSize),
	}
	if u.Unix {
		out.Dialer = unixDialer(u.Addrs[0], out.DialTimeout)
	}
	if !u.TLS {
		return out, nil
	}
	var err error
	out.TLSConfig, err = tlsConfig(u)
	return out, err
}

// tlsConfig returns the TLS configuration that rediss:// requires.
func tlsConfig(u *redisurl.URL) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.ServerName}
	if t.ServerName == "" && len(u.Addrs) == 1 && u.Master == "" && !u.Cluster { // of several servers each has its own name
		host, _, err := net.SplitHostPort(u.Addrs[0])
		if err != nil {
			return nil, urlErrorf("names no host")
		}
		t.ServerName = host
	}
	if u.CA != "" {
		pem, err := os.ReadFile(u.CA)
		if err != nil {
			return nil, urlErrorf("names a ca that can't be read, %s", u.CA)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, urlErrorf("names a ca, %s, which holds no PEM certificate", u.CA)
		}
	}
	if u.Cert != "" {
		pair, err := tls.LoadX509KeyPair(u.Cert, u.Key)
		if err != nil {
			return nil, urlErrorf("names a cert, %s, and a key, %s, which can't be used together", u.Cert, u.Key)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

func unixDialer(addr string, limit time.Duration) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: limit}).DialContext(ctx, "unix", addr)
	}
}
