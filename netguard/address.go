package netguard

import (
	"fmt"
	"net/netip"
	"slices"
)

// internal are the networks that addresses on the Internet don't come from (IANA's registries of special-purpose addresses).
var internal = networks(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // shared by a provider's customers (carrier-grade NAT)
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
	"2001::/23",       // protocol assignments, among them Teredo
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4: contains an IPv4 address, and relays are gone
	"3fff::/20",       // documentation
)

// global is the only part of IPv6 whose addresses are reachable from everywhere.
var global = netip.MustParsePrefix("2000::/3")

// nat64 contains IPv4 addresses as hosts without IPv4 reach them.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// metadata are the addresses from which clouds serve metadata about a machine, and similar services of the host.
var metadata = networks(
	"169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::254/128", "fd00:ec2::23/128", // Amazon and others
	"fd20:ce::254/128",   // Google
	"168.63.129.16/32",   // Azure
	"100.100.100.200/32", // Alibaba
	"192.0.0.192/32",     // Oracle
)

func networks(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func within(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// plain returns the address that a connection ends at: the IPv4 address inside an IPv6 form of it, and without a zone.
func plain(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// AddressError refuses an address.
type AddressError struct {
	Addr   netip.Addr
	Reason string
}

func (e *AddressError) Error() string { return fmt.Sprintf("the address %s %s", e.Addr, e.Reason) }

// check returns why a connection to an address is refused, or nil. If listed is true, only networks that an operator allows
// will do.
func (g *Guard) check(addr netip.Addr, listed bool) error {
	a := plain(addr)
	switch {
	case within(metadata, a):
		return &AddressError{addr, "serves a machine's metadata"}
	case within(g.Allow, a):
		return nil
	case listed:
		return &AddressError{addr, "is not in an allowed network, so that it needs https"}
	case within(internal, a), a.Is6() && !global.Contains(a):
		return &AddressError{addr, "is not a public one"}
	}
	return nil
}
