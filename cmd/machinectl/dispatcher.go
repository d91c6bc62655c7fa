package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
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

// dispatcher speaks its HTTP API.
type dispatcher struct {
	url string
	// named says that somebody said where it is, rather than its being assumed.
	named bool
}

func newDispatcher(cmd *cli.Command) *dispatcher {
	url := cmd.String("dispatcher")
	if url == "" {
		url = os.Getenv("MACHINECTL_DISPATCHER")
	}
	if url == "" {
		return &dispatcher{url: defaultDispatcher}
	}
	return &dispatcher{url: strings.TrimSuffix(url, "/"), named: true}
}

// refusal is an error answer of the dispatcher.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
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
		return fmt.Errorf("the dispatcher at %s broke off its answer: %w", d.url, err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("the dispatcher at %s gives no JSON: is that a dispatcher? %w", d.url, err)
	}
	return nil
}

// send makes a request; an error answer becomes a [refusal]. The caller closes the body.
func (d *dispatcher) send(ctx context.Context, method, path string, body []byte, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%q is no URL of a dispatcher: write something like %s", d.url, defaultDispatcher)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer from a dispatcher at %s: start one, or set MACHINECTL_DISPATCHER or -dispatcher: %w", d.url, err)
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("the dispatcher at %s answers %s", d.url, resp.Status)
	}
	var answer struct {
		Error *refusal `json:"error"`
	}
	if json.Unmarshal(b, &answer) != nil || answer.Error == nil || answer.Error.Message == "" {
		return nil, fmt.Errorf("the dispatcher at %s answers %s: %s", d.url, resp.Status, bytes.TrimSpace(b))
	}
	return nil, answer.Error
}
