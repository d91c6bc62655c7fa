package plan

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Reason explains why a request failed or its answer could not be read, without the layers that the error passed and the
// words that Go's packages have for it. The sentence is about the server, which the caller names before it.
func Reason(err error) string {
	var (
		lookup      *net.DNSError
		number      syscall.Errno
		certificate *tls.CertificateVerificationError
		syntax      *json.SyntaxError
		kind        *json.UnmarshalTypeError
		timeout     net.Error
		request     *url.Error
	)
	switch {
	case errors.As(err, &lookup):
		return fmt.Sprintf("the host %q is not known", lookup.Name)
	case errors.As(err, &number):
		return number.Error()
	case errors.As(err, &certificate):
		return "its certificate is not trusted: " + strings.TrimPrefix(certificate.Err.Error(), "x509: ")
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it speaks HTTP, not HTTPS: write http:// in its URL"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection before its answer was complete"
	case errors.As(err, &syntax), errors.As(err, &kind):
		return "it answers with something else than the expected JSON: another program listens there"
	case errors.Is(err, bufio.ErrTooLong):
		return "a line of its answer is too long"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the request timed out"
	case errors.As(err, &request):
		return untyped(request.Err.Error())
	default:
		return untyped(err.Error())
	}
}

// untyped rewords those errors of net/http that have no type to know them by.
func untyped(text string) string {
	switch {
	case strings.Contains(text, "unsupported protocol scheme"), strings.Contains(text, "first path segment in URL"), strings.Contains(text, "missing protocol scheme"):
		return "its URL is not complete: write http:// or https:// before the host"
	case strings.Contains(text, "malformed HTTP"):
		return "it does not speak HTTP"
	case strings.HasPrefix(text, "stopped after"):
		return "it redirects in a circle"
	default:
		return text
	}
}

// WithoutPassword is a URL as messages show it: a password in it is replaced. Of text that is not a URL it is what follows
// the last @.
func WithoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address[strings.LastIndexByte(address, '@')+1:]
	}
	return u.Redacted()
}
