package api

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// hosts keeps web pages of other origins out. A browser sends their requests with the user's network access, and with DNS
// rebinding even under a name of the attacker's that has our address. CORS stays off: no answer allows another origin.
type hosts struct {
	names  []string // lower case, under which the API may be reached
	pair   func() *tls.Certificate
	origin *http.CrossOriginProtection
}

func newHosts(o Options) *hosts {
	h := &hosts{names: []string{"localhost"}, origin: http.NewCrossOriginProtection()}
	if name, err := os.Hostname(); err == nil {
		h.names = append(h.names, strings.ToLower(name))
	}
	for _, name := range o.Hosts {
		h.names = append(h.names, strings.ToLower(name))
	}
	if o.Certificate != nil {
		h.pair = o.Certificate.current
	}
	return h
}

// check refuses a request under a name that isn't ours, and a change that a page of another origin asks for.
func (h *hosts) check(r *http.Request) error {
	if !h.knows(r.Host) {
		return refuse(http.StatusForbidden, codeForbidden, "Host", "this dispatcher isn't known as %q: reach it under its IP address or host name, "+
			"or start it with -host and that name", shortened(r.Host))
	}
	if err := h.origin.Check(r); err != nil {
		return refuse(http.StatusForbidden, codeForbidden, "Origin", "a web page of another origin can't make this request")
	}
	return nil
}

// knows reports whether the API may be reached under a Host header. An address needs no check: rebinding needs a name.
func (h *hosts) knows(host string) bool {
	name := host
	if only, _, err := net.SplitHostPort(host); err == nil {
		name = only
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	if slices.Contains(h.names, name) {
		return true
	}
	if h.pair == nil {
		return false
	}
	leaf := h.pair().Leaf
	return leaf != nil && leaf.VerifyHostname(name) == nil
}

// clientAddress returns how the client's address is found: X-Forwarded-For counts only if a trusted proxy sent it.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// secure sets the headers that keep a browser from doing with an answer what it isn't for. Handlers of pages replace them.
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for name, value := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"Cache-Control":                "no-store",
		} {
			h.Set(name, value)
		}
		return next(c)
	}
}
