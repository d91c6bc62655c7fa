package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/emprops/machinectl/nettext"
)

const (
	defaultTimeout = 30 * time.Second
	// answerLimit bounds what is read of an answer, in bytes; problemLimit of a problem.
	answerLimit  = 64 << 20
	problemLimit = 1 << 16
)

// Options configure a [Client]. The zero value is usable.
type Options struct {
	// Token is sent with every request, unless it is empty.
	Token string
	// Timeout bounds each request but streams, files and the time that a request asks the server to wait; default 30 s.
	Timeout time.Duration
	// Patience is how long a request that can be repeated safely is repeated while the dispatcher can't be reached or is
	// unavailable; 0 is not at all.
	Patience time.Duration
	// HTTP makes the requests; default http.DefaultClient. Its Timeout would end streams.
	HTTP *http.Client
}

// Client makes requests of one dispatcher. It is safe for concurrent use.
//
// A request that the dispatcher refuses returns a [*Problem], one that gets no answer an [*UnreachableError].
type Client struct {
	o   Options
	at  string // the dispatcher's URL for people, without a password
	raw requests
}

// New makes a client of the dispatcher at addr, such as http://127.0.0.1:8650. It does not connect.
func New(addr string, o Options) (*Client, error) {
	addr = strings.TrimRight(addr, "/")
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a dispatcher: write something like http://127.0.0.1:8650", nettext.WithoutPassword(addr))
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	c := &Client{o: o, at: nettext.WithoutPassword(addr)}
	c.raw = requests{Server: addr + "/", Client: c}
	return c, nil
}

// At returns the dispatcher's URL for people, without a password.
func (c *Client) At() string { return c.at }

// UnreachableError reports that a dispatcher gave no answer, or one that can't be read. The request may or may not have been
// applied.
type UnreachableError struct {
	At  string // the dispatcher's URL, without a password
	Err error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no answer from a dispatcher at %s: %s", e.At, nettext.Reason(e.Err))
}

// Unwrap returns the network's error.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Error implements error.
func (p *Problem) Error() string {
	if p.Field != "" {
		return fmt.Sprintf("the dispatcher refuses it: %s: %s", p.Field, strings.TrimPrefix(p.Detail, p.Field+": "))
	}
	return "the dispatcher refuses it: " + p.Detail
}

// Is reports whether err is a problem with this code.
func Is(err error, code ProblemCode) bool {
	var p *Problem
	return errors.As(err, &p) && p.Code == code
}

// contextKey is the type of this package's context keys.
type contextKey int

const (
	repeatable contextKey = iota // the request may be repeated whatever its method
	unbounded                    // the answer takes as long as it takes
	waiting                      // the time.Duration that the server is asked to wait
)

// Do sends a request with the token. It is for requests that this package has no method for: a problem is an error here too.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if c.o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.o.Token)
	}
	leaveOutEmpty(req)
	started := time.Now()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		resp, atLeast, err := c.once(req)
		again := c.repeats(req, err)
		if !again || time.Since(started) >= c.o.Patience {
			return resp, err
		}
		if req.GetBody != nil {
			body, bodyErr := req.GetBody()
			if bodyErr != nil {
				return nil, err
			}
			req.Body = body
		}
		select {
		case <-req.Context().Done():
			return nil, err
		case <-time.After(max(atLeast, pause/2+rand.N(pause))):
		}
	}
}

// leaveOutEmpty removes parameters that are empty, which is how the generated code sends those that aren't given.
func leaveOutEmpty(req *http.Request) {
	query := req.URL.Query()
	maps.DeleteFunc(query, func(_ string, v []string) bool { return len(v) == 1 && v[0] == "" })
	req.URL.RawQuery = query.Encode()
	maps.DeleteFunc(req.Header, func(_ string, v []string) bool { return len(v) == 1 && v[0] == "" })
}

// once makes one attempt. A dispatcher that refuses it may want to be left alone for a while.
func (c *Client) once(req *http.Request) (resp *http.Response, after time.Duration, err error) {
	ctx := req.Context()
	cancel := context.CancelFunc(func() {})
	if ctx.Value(unbounded) == nil {
		wait, _ := ctx.Value(waiting).(time.Duration)
		ctx, cancel = context.WithTimeout(ctx, c.o.Timeout+wait)
	}
	resp, err = c.o.HTTP.Do(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, 0, &UnreachableError{c.at, err}
	}
	resp.Body = &boundBody{resp.Body, cancel}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, 0, nil
	}
	defer resp.Body.Close()
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		after = time.Duration(seconds) * time.Second
	}
	return nil, after, c.problemOf(resp)
}

// boundBody ends its request's time limit when it is closed.
type boundBody struct {
	io.ReadCloser

	cancel context.CancelFunc
}

func (b *boundBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// problemOf reads an error answer. One that isn't a dispatcher's becomes an [*UnreachableError].
func (c *Client) problemOf(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, problemLimit))
	if err != nil {
		return &UnreachableError{c.at, err}
	}
	p := &Problem{}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "application/problem+json" || json.Unmarshal(body, p) != nil || p.Detail == "" {
		return &UnreachableError{c.at, fmt.Errorf("it answers %s: %.200s", resp.Status, strings.TrimSpace(string(body)))}
	}
	return p
}

// repeats reports whether a failed request can be repeated.
func (c *Client) repeats(req *http.Request, err error) bool {
	if err == nil || c.o.Patience <= 0 || req.Context().Err() != nil || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	safe := req.Method == http.MethodGet || req.Method == http.MethodDelete || req.Context().Value(repeatable) != nil
	var (
		p    *Problem
		dial *net.OpError
	)
	switch {
	case errors.As(err, &p):
		// A request that was refused for its number was not applied. One that Redis did not answer may have been.
		refused := p.Code == ProblemCodeTooManyRequests || p.Code == ProblemCodeTooManyStreams
		return refused || safe && p.Code == ProblemCodeUnavailable
	case errors.As(err, &dial) && dial.Op == "dial":
		return true // it has not been sent
	default:
		return safe
	}
}

// read decodes an answer.
func read[T any](resp *http.Response, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	out := new(T)
	if err == nil {
		err = json.Unmarshal(body, out)
	}
	if err != nil {
		at := url.URL{Scheme: resp.Request.URL.Scheme, Host: resp.Request.URL.Host}
		return nil, &UnreachableError{at.String(), err}
	}
	return out, nil
}
