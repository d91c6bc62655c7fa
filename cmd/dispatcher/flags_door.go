package main

import (
	"flag"
	"fmt"
	"net/netip"
	"strings"

	"github.com/emprops/machinectl/dispatcher"
)

// doorFlags are those that decide who gets in.
func doorFlags(flags *flag.FlagSet, o *dispatcher.Options) {
	// A token is never a flag: every user of the machine can read a process's arguments.
	flags.StringVar(&o.AdminTokenFile, "admin-token-file", "", "`file` with an administrator's token, or its hash as sha256:<hex>; "+
		"read again when it changes [MACHINECTL_ADMIN_TOKEN: the token or its hash]")
	flags.BoolVar(&o.Insecure, "insecure", false, "for trials: allow -listen beyond this machine without TLS; without an admin token, let everybody in")
	flags.StringVar(&o.TLSCert, "tls-cert", "", "`file` with the certificate and its chain (PEM); read again when it changes")
	flags.StringVar(&o.TLSKey, "tls-key", "", "`file` with its key (PEM)")
	flags.BoolVar(&o.OpenMetrics, "open-metrics", false, "serve /metrics without a token")
	flags.Func("host", "`names` under which the API is reached, with commas, beside the host's and the certificate's", func(text string) error {
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name == "" || strings.ContainsAny(name, "/: \t") {
				return fmt.Errorf("%q is not a host name", name)
			}
			o.Hosts = append(o.Hosts, name)
		}
		return nil
	})
	flags.Func("trusted-proxies", "`networks`, with commas, whose X-Forwarded-For is believed, such as 10.0.0.0/8", func(text string) error {
		for one := range strings.SplitSeq(text, ",") {
			p, err := network(strings.TrimSpace(one))
			if err != nil {
				return err
			}
			o.TrustedProxies = append(o.TrustedProxies, p)
		}
		return nil
	})
	flags.Float64Var(&o.TokenRate, "token-rate", 2000, "`requests` per second that each token may make; -1 is without limit")
}

// network reads a network or a single address.
func network(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is not a network: write an address and its bits, such as 10.0.0.0/8", text)
	}
	return p.Masked(), nil
}
