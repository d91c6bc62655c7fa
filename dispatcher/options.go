package dispatcher

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/queue"
)

// Options configure [Run].
type Options struct {
	Listen string // host:port of the API; default 127.0.0.1:8650
	// AdminTokenFile is a file with the token of an administrator, AdminToken that token, either as such or as sha256:<hex>. One
	// of them is needed, or Insecure. The file is read again when it changes.
	AdminTokenFile string
	AdminToken     string
	// Insecure allows what is for trials only: to listen beyond this machine without TLS, and to run without an admin token, which
	// makes everybody an administrator.
	Insecure bool
	// TLSCert and TLSKey are PEM files, which are read again when they change. Without them the API is plain HTTP.
	TLSCert, TLSKey string
	// OpenMetrics serves /metrics without a token.
	OpenMetrics bool
	// Hosts are names under which the API is reached beside its addresses, the host's name and those in the certificate.
	Hosts []string
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// TokenRate bounds the requests per second of each token; default 2000, negative is without limit.
	TokenRate float64
	Redis     string // the queue's URL; default redis://127.0.0.1:6379
	// NomadAddr is Nomad's URL; default NOMAD_ADDR, else http://127.0.0.1:4646. Token, region and TLS settings are read from
	// the same environment variables as by Nomad's own tools.
	NomadAddr string
	// Namespaces are those whose pools are resized; by default, and with "*", all that Nomad's token may read. Regions are those
	// whose machines use this Redis; default NOMAD_REGION, else the region of the Nomad agent; "*" stands for all that it is
	// federated with.
	Namespaces, Regions []string
	// Blobs is where results are stored. If it is file:///folder or a folder, the API serves its files. For the URL of any
	// other store, the API answers with the files' URLs.
	Blobs string
	// Alerts are the rules and their receivers; default [alertfile.Default].
	Alerts *alertfile.Config
	// PublicURL is where clients reach the API, for links in webhooks; if it is empty, the links are paths.
	PublicURL string
	// WebhookAllow are networks that webhooks may reach although they are internal, also by plain http.
	WebhookAllow []netip.Prefix
	Interval     time.Duration // between two passes of the resize loop; default 5 s
	// Reap is the time between two searches for lost leases and due jobs; default 1 s.
	Reap time.Duration
	// Survey is the time between two searches for pools that no dispatcher resizes; default 1 min.
	Survey time.Duration
	// Term is how long the dispatcher that resizes pools may be silent before another one takes over; default 15 s.
	Term time.Duration
	// Grace bounds the stop; default 15 s.
	Grace  time.Duration
	Prefix string // of the Redis keys; default that in the URL, else the queue's
	Lease  time.Duration
	Logger *slog.Logger // default slog.Default
	// Ready, if set, is called once with the API's host:port when it accepts requests.
	Ready func(addr string)
}

func (o Options) withDefaults() (Options, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8650"
	}
	if o.Redis == "" {
		o.Redis = "redis://127.0.0.1:6379"
	}
	if err := queue.CheckURL(o.Redis); err != nil {
		return o, err
	}
	var err error
	if o.Prefix, err = queue.Prefix(o.Redis, o.Prefix); err != nil {
		return o, err
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return o, errors.New("-tls-cert and -tls-key belong together: give both")
	}
	if o.TLSCert == "" && !o.Insecure && !onLoopback(o.Listen) {
		return o, fmt.Errorf("-listen %s is reached from beyond this machine, and without TLS tokens can be read on the way: "+
			"give -tls-cert and -tls-key, or listen on 127.0.0.1; -insecure allows it for a trial", o.Listen)
	}
	for d, v := range map[*time.Duration]time.Duration{&o.Interval: 5 * time.Second, &o.Reap: time.Second, &o.Term: 15 * time.Second, &o.Grace: 15 * time.Second, &o.Survey: time.Minute} {
		if *d == 0 {
			*d = v
		}
		if *d < 0 {
			return o, errors.New("intervals must not be negative")
		}
	}
	for _, name := range o.Namespaces {
		if err := fleet.CheckNamespace(name); err != nil {
			return o, err
		}
	}
	for _, name := range o.Regions {
		if err := fleet.CheckRegion(name); err != nil {
			return o, err
		}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Ready == nil {
		o.Ready = func(string) {}
	}
	return o, nil
}

func (o Options) alerts() alertfile.Config {
	if o.Alerts == nil {
		return alertfile.Default()
	}
	return *o.Alerts
}

// onLoopback reports whether only programs on this machine can reach an address that is listened on.
func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return true // listening will fail, and explain why
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || host == "localhost"
}

// blobRoot returns the folder of a file store, or "" if there is no store or it is of another kind.
func (o Options) blobRoot() (string, error) {
	if o.Blobs == "" {
		return "", nil
	}
	if !strings.Contains(o.Blobs, "://") {
		return filepath.Abs(o.Blobs)
	}
	u, err := url.Parse(o.Blobs)
	switch {
	case err != nil:
		return "", fmt.Errorf("-blobs %q: %w", o.Blobs, err)
	case u.Scheme != "file":
		return "", nil
	case u.Host != "" && u.Host != "localhost" || !filepath.IsAbs(u.Path):
		return "", fmt.Errorf("-blobs %q: write file:///folder, with three slashes", o.Blobs)
	default:
		return filepath.Clean(u.Path), nil
	}
}
