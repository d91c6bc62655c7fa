// Package nettext explains in plain words why a network call failed: "connection refused", "it does not speak HTTP". Every
// program of this module that reports such an error to people words it here, so that the same fault reads the same everywhere
// and no text of Go's packages reaches a user.
//
// The package doesn't decide what follows from an error, such as whether to try again, and it doesn't word errors that a server
// answers with: the code that speaks the server's protocol knows what they mean.
package nettext

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Reason explains why a call failed or its answer could not be read. The sentence is about the server, which the caller names
// before it: "no answer from Nomad at http://127.0.0.1:4646: connection refused". Of an error that is not the network's it
// returns the text.
func Reason(err error) string {
	if text, ok := reason(err); ok {
		return text
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	text := err.Error()
	for _, name := range []string{"net/http: ", "http: ", "http2: ", "tls: ", "x509: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

// reason returns the explanation of an error that this package knows.
func reason(err error) (string, bool) {
	for _, of := range []func(error) (string, bool){lookupReason, tlsReason, connectionReason, answerReason, requestReason} {
		if text, ok := of(err); ok {
			return text, true
		}
	}
	return "", false
}

// lookupReason explains why a host's name has no address.
func lookupReason(err error) (string, bool) {
	var lookup *net.DNSError
	switch {
	case !errors.As(err, &lookup):
		return "", false
	case strings.HasPrefix(lookup.Err, "unknown port"):
		_, port, _ := strings.Cut(lookup.Name, "/") // the name is "tcp/port"
		return fmt.Sprintf("%q is not a port", port), true
	case lookup.IsTimeout, lookup.IsTemporary && !lookup.IsNotFound:
		return fmt.Sprintf("the name server did not answer for the host %q", lookup.Name), true
	default:
		return fmt.Sprintf("the host %q is not known", lookup.Name), true
	}
}

// tlsReason explains why no TLS connection was made.
func tlsReason(err error) (string, bool) {
	var (
		certificate *tls.CertificateVerificationError
		plain       tls.RecordHeaderError
		op          *net.OpError
	)
	switch {
	case errors.As(err, &certificate):
		return "its certificate is not trusted: " + strings.TrimPrefix(certificate.Err.Error(), "x509: "), true
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it speaks HTTP, not HTTPS: write http:// in its URL", true
	case errors.As(err, &plain):
		return "it does not speak TLS", true
	case errors.As(err, &op) && op.Op == "remote error": // an alert, whose type crypto/tls does not export
		return "it refuses the TLS connection: " + strings.TrimPrefix(op.Err.Error(), "tls: "), true
	default:
		return "", false
	}
}

// connectionReason explains why there is no connection, or none any longer.
func connectionReason(err error) (string, bool) {
	var (
		number  syscall.Errno
		address *net.AddrError
	)
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return "the connection was closed", true
	case errors.As(err, &number):
		return number.Error(), true // the operating system's words, such as "connection refused"
	case errors.As(err, &address):
		return fmt.Sprintf("%q is not an address: %s", address.Addr, address.Err), true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection before its answer was complete", true
	case TimedOut(err):
		return "the request timed out", true
	case errors.Is(err, context.Canceled):
		return "the request was cancelled", true
	default:
		return "", false
	}
}

// answerReason explains why an answer that arrived could not be read.
func answerReason(err error) (string, bool) {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax), errors.As(err, &kind):
		return "it answers with something else than the expected JSON: another program listens there", true
	case errors.Is(err, bufio.ErrTooLong):
		return "a line of its answer is too long", true
	default:
		return "", false
	}
}

// requestReason explains those errors of net/http that have no type to know them by.
func requestReason(err error) (string, bool) {
	text := err.Error()
	var request *url.Error
	if errors.As(err, &request) {
		text = request.Err.Error()
	}
	switch {
	case strings.Contains(text, "unsupported protocol scheme"), strings.Contains(text, "first path segment in URL"), strings.Contains(text, "missing protocol scheme"):
		return "its URL is not complete: write http:// or https:// before the host", true
	case strings.Contains(text, "malformed HTTP"):
		return "it does not speak HTTP", true
	case strings.Contains(text, "server closed idle connection"):
		return "the connection was closed", true
	case request != nil && strings.HasPrefix(text, "stopped after"):
		return "it redirects in a circle", true
	default:
		return "", false
	}
}

// Refused reports whether nothing listens at the address of a call, which therefore had no effect.
func Refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// TimedOut reports whether a call failed because it took too long.
func TimedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// explained is an error with its explanation as its text.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }

func (e *explained) Unwrap() error { return e.err }

// Explain returns err with [Reason] as its text, after the server's address if err has one: for callers that don't name the
// server themselves. It returns any other error than the network's as it is, and nil for nil.
func Explain(err error) error {
	var file *fs.PathError
	if err == nil || errors.As(err, &file) {
		return err
	}
	text, ok := reason(err)
	if !ok {
		return err
	}
	if at := address(err); at != "" {
		text = at + ": " + text
	}
	return &explained{text, err}
}

// address returns the address of the server that a call failed at, or "" if the error doesn't have it.
func address(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return op.Addr.String()
	}
	var request *url.Error
	if !errors.As(err, &request) {
		return ""
	}
	u, err := url.Parse(request.URL)
	if err != nil {
		return ""
	}
	return u.Host // without the user and password
}

// WithoutPassword returns a URL as messages show it: with a password in it replaced. Of text that is not a URL it returns what
// follows the last @.
func WithoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address[strings.LastIndexByte(address, '@')+1:]
	}
	return u.Redacted()
}
