package redisurl

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parameter is a parameter of a Redis URL. Its value is stored in the field that one of text, flag, number and duration
// points to.
type parameter struct {
	name     string
	text     func(*URL) *string
	flag     func(*URL) *bool
	number   func(*URL) *int
	duration func(*URL) *time.Duration
	least    int // of a number
	most     int
	shortest time.Duration // of a duration
	longest  time.Duration
}

// parameters returns all parameters. The shortest read timeout is what the queue needs for its own waits in Redis.
func parameters() []parameter {
	return []parameter{
		{name: "db", number: func(u *URL) *int { return &u.DB }, most: 1 << 20},
		{name: "master", text: func(u *URL) *string { return &u.Master }},
		{name: "sentinel_password", text: func(u *URL) *string { return &u.SentinelPassword }},
		{name: "cluster", flag: func(u *URL) *bool { return &u.Cluster }},
		{name: "ca", text: func(u *URL) *string { return &u.CA }},
		{name: "cert", text: func(u *URL) *string { return &u.Cert }},
		{name: "key", text: func(u *URL) *string { return &u.Key }},
		{name: "server_name", text: func(u *URL) *string { return &u.ServerName }},
		{name: "prefix", text: func(u *URL) *string { return &u.Prefix }},
		{name: "dial_timeout", duration: func(u *URL) *time.Duration { return &u.DialTimeout }, shortest: 10 * time.Millisecond, longest: time.Minute},
		{name: "read_timeout", duration: func(u *URL) *time.Duration { return &u.ReadTimeout }, shortest: 5 * time.Second, longest: time.Minute},
		{name: "write_timeout", duration: func(u *URL) *time.Duration { return &u.WriteTimeout }, shortest: time.Second, longest: time.Minute},
		{name: "pool_size", number: func(u *URL) *int { return &u.PoolSize }, least: 1, most: 10_000},
	}
}

// Parameters returns the names of the parameters that a Redis URL may have.
func Parameters() []string {
	var names []string
	for _, p := range parameters() {
		names = append(names, p.name)
	}
	return names
}

// given holds what the URLs of a list set together. Each may leave out what another one sets, and none may contradict it.
type given struct {
	values         map[string]string // by parameter
	user, password string
	hasUser        bool
}

var plainName = regexp.MustCompile(`^[a-z_]{1,40}$`)

// add adds what one URL sets.
func (g *given) add(u *url.URL) *Error {
	if u.User != nil {
		password, _ := u.User.Password()
		if g.hasUser && (g.user != u.User.Username() || g.password != password) {
			return wrong("list has different users or passwords in it: write the same, or write them once")
		}
		g.user, g.password, g.hasUser = u.User.Username(), password, true
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return wrong("has parameters that can't be read: write ?name=value&name=value")
	}
	if db := strings.Trim(u.Path, "/"); u.Scheme != "unix" && db != "" {
		if query.Has("db") {
			return wrong("names a database twice: behind the host and as db")
		}
		query.Set("db", db)
	}
	for _, name := range sortedNames(query) {
		switch values := query[name]; {
		case !slices.Contains(Parameters(), name):
			return unknown(name)
		case len(values) > 1:
			return wrong("has the parameter %s twice", name)
		case g.values[name] != "" && g.values[name] != values[0]:
			return wrong("list has different values of %s in it: write the same, or write it once", name)
		default:
			g.values[name] = values[0]
		}
	}
	return nil
}

func sortedNames(query url.Values) []string {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// unknown refuses a parameter. Its name is quoted only if it can't be a piece of a password that went astray.
func unknown(name string) *Error {
	known := ": the parameters are " + strings.Join(Parameters(), ", ")
	discreet := "has an unknown parameter" + known
	if !plainName.MatchString(name) {
		return &Error{discreet, discreet}
	}
	return &Error{fmt.Sprintf("has the unknown parameter %q", name) + known, discreet}
}

// into stores what was given.
func (g *given) into(u *URL) *Error {
	u.User, u.Password = g.user, g.password
	for _, p := range parameters() {
		text, ok := g.values[p.name]
		if !ok {
			continue
		}
		if text == "" {
			return wrong("has the parameter %s without a value", p.name)
		}
		if err := p.store(u, text); err != nil {
			return err
		}
	}
	return nil
}

func (p *parameter) store(u *URL, text string) *Error {
	switch {
	case p.text != nil:
		*p.text(u) = text
	case p.flag != nil:
		if text != "true" && text != "false" {
			return wrong("has the parameter %s, which must be true or false", p.name)
		}
		*p.flag(u) = text == "true"
	case p.number != nil:
		n, err := strconv.Atoi(text)
		if err != nil || n < p.least || n > p.most {
			return p.outOfRange(text)
		}
		*p.number(u) = n
	case p.duration != nil:
		d, err := time.ParseDuration(text)
		if err != nil || d < p.shortest || d > p.longest {
			return wrong("has the parameter %s, which must be a duration from %s to %s, such as %s", p.name, p.shortest, brief(p.longest), p.shortest)
		}
		*p.duration(u) = d
	}
	return nil
}

// outOfRange refuses a number. That of a database may have come from behind the host.
func (p *parameter) outOfRange(text string) *Error {
	if p.name == "db" {
		return &Error{fmt.Sprintf("asks for database %q, and a database is a number from 0 on", text), "asks for a database that is not a number from 0 on"}
	}
	return wrong("has the parameter %s, which must be a number from %d to %d", p.name, p.least, p.most)
}

// brief formats a whole number of minutes.
func brief(d time.Duration) string { return strings.TrimSuffix(d.String(), "0s") }
