package netguard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/netguard"
	"github.com/emprops/machinectl/netguard/netguardtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// addresses are those that no guard without a list may reach, in all their forms.
var addresses = []string{
	"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.1.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.0.1",
	"192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
	"168.63.129.16", "100.100.100.200",
	"::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1",
	"2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "3fff::1", "5f00::1",
}

func TestLiteralAddresses(t *testing.T) {
	var g netguard.Guard
	for _, a := range addresses {
		host := a
		if strings.Contains(a, ":") {
			host = "[" + a + "]"
		}
		require.Contains(t, g.CheckURL("https://"+host+"/x"), "which ", a)
		require.Contains(t, g.CheckURL("https://"+host+":444/x"), "which ", a)
	}
	for _, host := range []string{"1.1.1.1", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]", "[64:ff9b::101:101]", "[::ffff:1.1.1.1]", "example.com", "example.com.:444", "a.b-c.example"} {
		require.Empty(t, g.CheckURL("https://"+host+"/x?y=z"), host)
	}
	for text, problem := range map[string]string{
		"http://example.com":                "must begin with https://",
		"file:///etc/passwd":                "is not a URL",
		"gopher://example.com":              "must begin with https://",
		"https://":                          "is not a URL",
		"https://:443/":                     "is not a URL",
		"https://a@example.com":             "must not contain a user name",
		"https://127.1/":                    "neither a name nor an address",
		"https://2130706433/":               "neither a name nor an address",
		"https://0x7f000001/":               "neither a name nor an address",
		"https://0177.0.0.1/":               "neither a name nor an address",
		"https://./":                        "neither a name nor an address",
		"https://localhost/":                "not a public one",
		"https://LOCALHOST.:8080/":          "not a public one",
		"https://x.localhost/":              "not a public one",
		"https://metadata.google.internal/": "not a public one",
		"https://[fe80::1%25eth0]/":         "not a public one",
		"https://[2606:4700::1%25eth0]/":    "has a host with a zone",
	} {
		require.Contains(t, g.CheckURL(text), problem, text)
	}
}

func TestAllowedNetworks(t *testing.T) {
	allow, err := netguard.ParseAllow([]string{"10.0.0.0/8", "169.254.0.0/16", "::1", "::ffff:127.0.0.1", "fd00::/8"})
	require.NoError(t, err)
	g := netguard.Guard{Allow: allow}
	for text, problem := range map[string]string{
		"http://10.1.2.3/":              "",
		"https://10.1.2.3/":             "",
		"https://[::ffff:10.1.2.3]/":    "",
		"http://localhost:8080/":        "",
		"http://example.com/":           "", // judged when it is resolved
		"https://192.168.1.1/":          "is not a public one",
		"http://1.1.1.1/":               "needs https",
		"http://169.254.1.1/":           "",
		"http://169.254.169.254/latest": "metadata",
		"https://[fd00:ec2::254]/":      "metadata",
	} {
		if problem == "" {
			require.Empty(t, g.CheckURL(text), text)
		} else {
			require.Contains(t, g.CheckURL(text), problem, text)
		}
	}
	for text, says := range map[string]string{"10.0.0.0/33": "is not a network", "intern": "is not a network", "10.0.0.1/8": "did you mean 10.0.0.0/8?"} {
		_, err := netguard.ParseAllow([]string{text})
		require.ErrorContains(t, err, says)
	}
}

// Every internal address that a name resolves to is refused when the connection is made, whatever the name said before.
func TestNamesOfInternalAddresses(t *testing.T) {
	dns := netguardtest.StartDNS(t)
	client := http.Client{Transport: (&netguard.Guard{Resolver: dns.Resolver()}).Transport()}
	t.Cleanup(client.CloseIdleConnections)
	for _, a := range addresses {
		if netip.MustParseAddr(a).Is4In6() {
			continue // not in the DNS
		}
		dns.Set("receiver.example.", a)
		for _, scheme := range []string{"http", "https"} {
			response, err := client.Get(scheme + "://receiver.example:1/")
			if err == nil {
				require.NoError(t, response.Body.Close())
			}
			var refused *netguard.AddressError
			require.ErrorAs(t, err, &refused, a)
		}
	}
}

// A name that resolves to a public address first and to loopback the next time doesn't reach loopback.
func TestRebinding(t *testing.T) {
	var reached atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(receiver.Close)
	u, err := url.Parse(receiver.URL)
	require.NoError(t, err)
	dns := netguardtest.StartDNS(t)
	g := &netguard.Guard{Resolver: dns.Resolver()}
	client := http.Client{Transport: g.Transport()}
	t.Cleanup(client.CloseIdleConnections)
	dns.Set("rebinding.example.", "1.1.1.1")
	require.Empty(t, g.CheckURL("https://rebinding.example:"+u.Port()))
	dns.Set("rebinding.example.", "127.0.0.1")
	_, err = client.Get("https://rebinding.example:" + u.Port())
	require.ErrorAs(t, err, new(*netguard.AddressError))
	require.Zero(t, reached.Load())

	allowed := http.Client{Transport: (&netguard.Guard{Resolver: dns.Resolver(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).Transport()}
	t.Cleanup(allowed.CloseIdleConnections)
	response, err := allowed.Get("http://rebinding.example:" + u.Port())
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, int64(1), reached.Load())
}

// A proxy from the environment would reach what this program must not.
func TestNoProxy(t *testing.T) {
	var reached atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("HTTP_PROXY", proxy.URL)
	client := http.Client{Transport: (&netguard.Guard{}).Transport()}
	t.Cleanup(client.CloseIdleConnections)
	for _, to := range []string{"http://10.0.0.1/", "https://10.0.0.1/"} {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, to, nil)
		require.NoError(t, err)
		_, err = client.Do(request)
		require.ErrorAs(t, err, new(*netguard.AddressError))
	}
	require.Zero(t, reached.Load())
}
