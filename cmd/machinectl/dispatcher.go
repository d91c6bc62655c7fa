package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/nettext"
)

const (
	// defaultDispatcher is where a dispatcher listens unless told otherwise.
	defaultDispatcher = "http://127.0.0.1:8650"
	// requestTimeout bounds each request but event streams.
	requestTimeout = 30 * time.Second
	// bodyLimit bounds what is read of an answer, in bytes.
	bodyLimit = 64 << 20
)

func dispatcherFlag() cli.Flag {
	return &cli.StringFlag{Name: "dispatcher", Usage: "`URL` of the dispatcher; else MACHINECTL_DISPATCHER, else " + defaultDispatcher}
}

// dispatcher is a client of the dispatcher's HTTP API.
type dispatcher struct {
	url string
	at  string // the URL in messages
	// named is false where the URL is assumed: neither a flag nor the environment has one.
	named bool
}

func newDispatcher(cmd *cli.Command) *dispatcher {
	url := cmd.String("dispatcher")
	if url == "" {
		url = os.Getenv("MACHINECTL_DISPATCHER")
	}
	if url == "" {
		return &dispatcher{url: defaultDispatcher, at: defaultDispatcher}
	}
	url = strings.TrimSuffix(url, "/")
	return &dispatcher{url: url, at: nettext.WithoutPassword(url), named: true}
}

// silenceError reports that the dispatcher gave no answer, or one that can't be read.
type silenceError struct {
	at  string
	err error
}

func (e *silenceError) Error() string {
	return fmt.Sprintf("no answer from a dispatcher at %s: %s. Set MACHINECTL_DISPATCHER or -dispatcher, or start a dispatcher there", e.at, nettext.Reason(e.err))
}

func (e *silenceError) Unwrap() error { return e.err }

// silent wraps the error of a request that got no answer.
func (d *dispatcher) silent(err error) error { return &silenceError{d.at, err} }

// refusal is the dispatcher's answer to a request that it rejects.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"detail"`
	Field   string `json:"field"`
}

func (r *refusal) Error() string {
	if r.Field != "" {
		return fmt.Sprintf("the dispatcher refuses it: %s: %s", r.Field, strings.TrimPrefix(r.Message, r.Field+": "))
	}
	return "the dispatcher refuses it: " + r.Message
}

// call makes a request and decodes its answer into into.
func (d *dispatcher) call(ctx context.Context, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := d.send(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if err != nil {
		return d.silent(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return d.silent(err)
	}
	return nil
}

// send makes a request; an error answer becomes a [refusal]. The caller closes the body.
func (d *dispatcher) send(ctx context.Context, method, path string, body []byte, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, bytes.NewReader(body))
	if err != nil || req.URL.Host == "" || !slices.Contains([]string{"http", "https"}, req.URL.Scheme) {
		return nil, fmt.Errorf("%q is not the URL of a dispatcher: write something like %s", d.at, defaultDispatcher)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, d.silent(err)
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("the dispatcher at %s answers %s", d.at, resp.Status)
	}
	answer := &refusal{}
	if json.Unmarshal(b, answer) != nil || answer.Message == "" {
		return nil, fmt.Errorf("the dispatcher at %s answers %s: %s", d.at, resp.Status, bytes.TrimSpace(b))
	}
	return nil, answer
}
