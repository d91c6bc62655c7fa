package netguard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Guard decides which hosts may be reached. The zero value allows https to public addresses.
type Guard struct {
	// Allow are networks that may be reached although they are internal, also by plain http.
	Allow []netip.Prefix
	// Resolver resolves names; default that of the system.
	Resolver *net.Resolver
	// TLS configures https; default Go's.
	TLS *tls.Config
}

// ParseAllow reads networks as people write them: "10.0.0.0/8" or a single address.
func ParseAllow(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			a = a.WithZone("").Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf(`%q is not a network: write one such as "10.0.0.0/8"`, text)
		case p != p.Masked():
			return nil, fmt.Errorf("%q has bits set after its first %d: did you mean %s?", text, p.Bits(), p.Masked())
		}
		out = append(out, p)
	}
	return out, nil
}

// CheckURL returns why a URL may not be requested, as far as that can be told without resolving its host; or "". Addresses are
// judged again before each connection.
func (g *Guard) CheckURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return `is not a URL such as "https://example.com/hook"`
	}
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || len(g.Allow) == 0):
		return "must begin with https://"
	case u.User != nil:
		return "must not contain a user name or password"
	}
	host := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return g.checkLiteral(a, u.Scheme)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"):
		// Some resolvers read 127.1, 2130706433 or 0x7f.1 as an address.
		return "has a host that is neither a name nor an address"
	case last == "localhost" || host == "metadata.google.internal":
		for _, loopback := range []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})} {
			if last == "localhost" && g.check(loopback, u.Scheme == "http") == nil {
				return ""
			}
		}
		return "has the host " + host + ", which is not a public one"
	}
	return ""
}

func (g *Guard) checkLiteral(a netip.Addr, scheme string) string {
	var refused *AddressError
	switch err := g.check(a, scheme == "http"); {
	case errors.As(err, &refused):
		return "has the host " + a.String() + ", which " + refused.Reason
	case a.Zone() != "":
		return "has a host with a zone"
	}
	return ""
}

// Transport returns a round tripper whose connections all go to allowed addresses. It doesn't use a proxy: a proxy would
// resolve names itself. It doesn't follow redirects, which is the client's part.
func (g *Guard) Transport() *Transport {
	return &Transport{secure: g.transport(false), plain: g.transport(true)}
}

// Transport is an [http.RoundTripper] for one [Guard].
type Transport struct{ secure, plain *http.Transport }

// RoundTrip makes one request.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" {
		return t.plain.RoundTrip(r) //nolint:wrapcheck // it is a transport's own error
	}
	return t.secure.RoundTrip(r) //nolint:wrapcheck // the same
}

// CloseIdleConnections closes what isn't in use.
func (t *Transport) CloseIdleConnections() {
	t.secure.CloseIdleConnections()
	t.plain.CloseIdleConnections()
}

func (g *Guard) transport(listed bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout: 10 * time.Second, KeepAlive: 15 * time.Second, Resolver: g.Resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("the address %s: %w", address, err)
			}
			return g.check(to.Addr(), listed)
		},
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:        g.TLS.Clone(),
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
