// Package redisurl reads the URL of a Redis, as profiles, flags and the environment give it:
//
//	redis://user:password@host:port/db      one server
//	rediss://host                           the same over TLS
//	unix:///path/of/the/socket              a socket
//	redis://a,redis://b                     seeds of a cluster, or with master=NAME the Sentinels that watch NAME
//
// The language checks a profile's URL with it, and the queue connects by it, so what one accepts the other honors. Its
// parameters are one table (parameters.go). What is not in there is refused, and so is what would have no effect.
//
// It is a leaf that every other package may import. It opens no file and no connection.
package redisurl

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Form is how a Redis URL is written, for advice.
const Form = "redis://user:password@host:port/db"

const defaultPort = "6379"

// URL is a Redis URL that has been read. A zero field was left out.
type URL struct {
	Addrs              []string // host:port; of a socket its path
	Unix, TLS, Cluster bool
	User, Password     string
	DB                 int

	Master, SentinelPassword               string
	CA, Cert, Key, ServerName              string // the first three are files
	DialTimeout, ReadTimeout, WriteTimeout time.Duration
	PoolSize                               int
	// Prefix is that of the queue's keys, so that several installations can share a Redis.
	Prefix string
}

var prefixName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// CheckPrefix returns an error unless text can be the prefix of the queue's keys.
func CheckPrefix(text string) error {
	if !prefixName.MatchString(text) {
		return fmt.Errorf("the prefix %q of Redis keys must be letters, digits and _ . : -, at most 64", text)
	}
	return nil
}

// Error refuses a URL that can never be used. It completes the sentence "the Redis URL …".
type Error struct {
	Problem  string // may quote a piece of the URL that is not its password
	Discreet string // the same without quoting anything
}

func (e *Error) Error() string { return "the Redis URL " + e.Problem + ": write " + Form }

func wrong(format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return &Error{text, text}
}

// Parse reads a URL, or several with commas between them.
func Parse(text string) (*URL, *Error) {
	if strings.TrimSpace(text) == "" {
		return nil, wrong("is missing")
	}
	var all []*url.URL
	entries := strings.Split(text, ",")
	for _, entry := range entries {
		u, err := parseOne(strings.Trim(entry, " "), len(entries) > 1)
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	out := &URL{Unix: all[0].Scheme == "unix", TLS: all[0].Scheme == "rediss"}
	given := &given{values: map[string]string{}}
	for _, u := range all {
		if u.Scheme != all[0].Scheme {
			return nil, wrong("list has both %s:// and %s:// in it", all[0].Scheme, u.Scheme)
		}
		if err := given.add(u); err != nil {
			return nil, err
		}
		out.Addrs = append(out.Addrs, address(u))
	}
	if err := given.into(out); err != nil {
		return nil, err
	}
	return out, out.complete(given)
}

// Files returns the paths in the URL: its socket, and the files for TLS.
func (u *URL) Files() []string {
	var out []string
	if u.Unix {
		out = slices.Clone(u.Addrs)
	}
	for _, file := range []string{u.CA, u.Cert, u.Key} {
		if file != "" {
			out = append(out, file)
		}
	}
	return out
}

// complete settles what depends on several parts of the URL, and refuses parts that contradict each other.
func (u *URL) complete(g *given) *Error {
	_, clusterGiven := g.values["cluster"]
	switch {
	case u.Unix && len(u.Addrs) > 1:
		return wrong("lists several sockets: write one")
	case u.Unix && (u.Master != "" || u.Cluster):
		return wrong("is a socket, which is neither a cluster nor a Sentinel")
	case u.Master != "" && u.Cluster:
		return wrong("has master and cluster=true, which exclude each other")
	case u.Master == "" && u.SentinelPassword != "":
		return wrong("has sentinel_password without master")
	case len(u.Addrs) > 1 && u.Master == "" && clusterGiven && !u.Cluster:
		return wrong("lists several servers and has cluster=false: write one server, or master=NAME for Sentinels")
	case !u.TLS && u.CA+u.Cert+u.Key+u.ServerName != "":
		return wrong("has TLS parameters (ca, cert, key, server_name) but isn't rediss://")
	case (u.Cert == "") != (u.Key == ""):
		return wrong("needs cert and key together")
	case u.Prefix != "" && CheckPrefix(u.Prefix) != nil:
		return wrong("has the parameter prefix, which must be letters, digits and _ . : -, at most 64")
	}
	u.Cluster = u.Cluster || u.Master == "" && len(u.Addrs) > 1
	if u.Cluster && u.DB != 0 {
		return wrong("asks for database %d, and a cluster has only database 0", u.DB)
	}
	return nil
}

func address(u *url.URL) string {
	if u.Scheme == "unix" {
		return strings.TrimSpace(u.Path)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// parseOne reads one URL. listed reports whether it is one of several.
func parseOne(raw string, listed bool) (*url.URL, *Error) {
	switch {
	case raw == "":
		return nil, wrong("list has an empty entry")
	case strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return nil, wrong("has white space in it")
	case strings.ContainsRune(raw, '"'):
		return nil, wrong("has a quotation mark in it")
	case !strings.Contains(raw, ":") || strings.HasPrefix(raw, "/") || raw[0] >= '0' && raw[0] <= '9':
		return nil, wrong("has no scheme")
	}
	u, err := url.Parse(raw)
	switch {
	case listed && strings.Count(raw, "@") == 0 && strings.Count(raw, ":") > 1 && err != nil:
		return nil, wrong("can't be read as a list: write %%2C for a comma that is part of a password")
	case err != nil:
		return nil, explain(raw)
	case u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix":
		if listed && strings.Contains(raw, "@") {
			return nil, wrong("can't be read as a list: write %%2C for a comma that is part of a password")
		}
		return nil, &Error{fmt.Sprintf("has the scheme %q", u.Scheme), "doesn't start with redis://, rediss:// or unix://"}
	}
	if err := misplaced(u, raw); err != nil {
		return nil, err
	}
	return u, checkPlace(u)
}

// misplaced refuses a password that ends the host too early, and a fragment, which means nothing in a Redis URL.
func misplaced(u *url.URL, raw string) *Error {
	switch {
	case strings.Contains(raw, "#"):
		return wrong("has a # in it: write %%23 for one in a password")
	case u.Scheme != "unix" && strings.Contains(u.Path, "@"):
		return wrong("has a / in the password: write %%2F for it")
	case u.Host != "" && u.User == nil && strings.Contains(u.RawQuery, "@") && !strings.Contains(u.RawQuery, "sentinel_password="):
		return wrong("has a ? in the password: write %%3F for it")
	}
	return nil
}

// checkPlace refuses a URL that names no server.
func checkPlace(u *url.URL) *Error {
	port := u.Port()
	switch {
	case u.Scheme == "unix" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return wrong("names no socket: write unix:///path/of/the/socket, with three slashes, or for TCP")
	case u.Scheme == "unix":
		return nil
	case u.Opaque != "" || u.Hostname() == "":
		return wrong("names no host")
	case strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "["):
		return wrong("has more than one port")
	case port == "" && !strings.HasSuffix(u.Host, ":"):
		return nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return &Error{fmt.Sprintf("has the port %s, and a port is a number from 1 to 65535", quoteEmpty(port)), "has a port that is not a number from 1 to 65535"}
	}
	return nil
}

func quoteEmpty(text string) string {
	if text == "" {
		return `""`
	}
	return text
}

// explain explains why a text is not a URL.
func explain(raw string) *Error {
	if strings.Contains(raw, "${") {
		return wrong("has ${…} in it, which was not replaced by its value")
	}
	_, rest, _ := strings.Cut(raw, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, behind := rest[:end], rest[end:]
	for i := range len(raw) {
		if raw[i] == '%' && !escaped(raw[i:]) {
			return wrong("has a %% that is not part of an escape such as %%2F: write %%25 for the character")
		}
	}
	at := strings.LastIndexByte(authority, '@')
	switch _, _, hasPort := strings.Cut(authority[at+1:], ":"); {
	case at < 0 && strings.Contains(behind, "@"):
		return wrong("has a %c in the password: write %%%02X for it", behind[0], behind[0])
	case hasPort:
		return wrong("has a port that is not a number from 1 to 65535")
	}
	return wrong("can't be read")
}

// escaped reports whether text begins with an escape such as %2F.
func escaped(text string) bool {
	if len(text) < 3 {
		return false
	}
	_, err := strconv.ParseUint(text[1:3], 16, 8)
	return err == nil
}
