package comfyui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/queue"
)

// resultData is the result's data, described in the package documentation.
type resultData struct {
	PromptID     string                                `json:"prompt_id"`
	Text         map[string][]string                   `json:"text,omitempty"`
	Data         map[string]map[string]json.RawMessage `json:"data,omitempty"`
	NotCollected []gap                                 `json:"not_collected,omitempty"`
}

// missingError is the error for a file that the server lists but doesn't have.
type missingError struct{ file file }

func (e *missingError) Error() string {
	return fmt.Sprintf("ComfyUI lists the file %s, but it is not there", e.file.name)
}

// collector stores the outputs of one prompt.
type collector struct {
	*prompt
	record *record
	into   connector.Files
	result queue.Result
	all    *leavings
	files  int // to store
}

// collect streams a prompt's outputs into the store and returns the result. If a file is gone, the error is a *[missingError].
func (p *prompt) collect(ctx context.Context, r *record, into connector.Files) (queue.Result, error) {
	c := &collector{prompt: p, record: r, into: into, all: r.sort(p.workflow)}
	for _, step := range []func(context.Context) error{c.probe, c.fetchFiles, c.storeImages, c.fetchSpare, c.storeData} {
		if err := step(ctx); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return queue.Result{}, err
		}
	}
	return c.result, nil
}

// probe checks, before anything is stored, that the files of nodes that were not computed for this prompt are still there.
func (c *collector) probe(ctx context.Context) error {
	for _, f := range c.all.files {
		if f.guessed || !c.record.cached[f.node] {
			continue
		}
		resp, err := c.api.view(ctx, http.MethodHead, f)
		if hasStatus(err, http.StatusNotFound) {
			return &missingError{f}
		}
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	return nil
}

func (c *collector) fetchFiles(ctx context.Context) error {
	c.files += len(c.all.files)
	for _, f := range c.all.files {
		if err := c.fetch(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// fetchSpare stores temporary and input files of a prompt that has no other outputs.
func (c *collector) fetchSpare(ctx context.Context) error {
	if len(c.result.Blobs) == 0 {
		c.files += len(c.all.spare)
		for _, f := range c.all.spare {
			if err := c.fetch(ctx, f); err != nil {
				return err
			}
		}
		return nil
	}
	for i, f := range c.all.spare {
		if i > 0 && c.all.spare[i-1].node == f.node && c.all.spare[i-1].key == f.key {
			continue
		}
		c.gap(f.node, f.key, "files of type "+f.kind+" are left out where there are others")
	}
	return nil
}

// fetch streams one file from the server into the store.
func (c *collector) fetch(ctx context.Context, f file) error {
	resp, err := c.api.view(ctx, http.MethodGet, f)
	status, isStatus := errors.AsType[*statusError](err)
	switch {
	case err == nil:
		defer resp.Body.Close()
	case isStatus && f.guessed:
		return nil // not a file but a text, which is in the data
	case isStatus && status.status == http.StatusNotFound:
		return &missingError{f}
	case isStatus && (status.status == http.StatusBadRequest || status.status == http.StatusForbidden):
		c.gap(f.node, f.key, fmt.Sprintf("ComfyUI refuses to serve the file %s: status %d", f.name, status.status))
		return nil
	default:
		return connector.Transient(lackOf(err), nil, "cannot fetch the file %s: %s", f.name, plainly(err))
	}
	kind := resp.Header.Get("Content-Type")
	if kind == "" {
		kind = "application/octet-stream"
	}
	name := f.name
	if f.subfolder != "" {
		name = strings.NewReplacer("/", "-", `\`, "-").Replace(f.subfolder) + "-" + name
	}
	return c.store(ctx, name, kind, &download{Reader: resp.Body, name: name})
}

// lackOf returns the failure code for a call that should have succeeded: the server is gone, or it works and answers nonsense.
func lackOf(err error) string {
	if isUnreadable(err) {
		return connector.Protocol
	}
	return connector.ServiceUnreachable
}

// download is a file's content. Its errors are failures of the server, whatever the store makes of them.
type download struct {
	io.Reader

	name string
}

func (d *download) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = connector.Transient(connector.ServiceUnreachable, nil, "the download of %s stopped: %s", d.name, plainly(err))
	}
	return n, err
}

// store stores one file.
func (c *collector) store(ctx context.Context, name, kind string, r io.Reader) error {
	blob, err := c.into.Store(ctx, name, kind, r)
	if err != nil {
		return err
	}
	c.result.Blobs = append(c.result.Blobs, blob)
	total := float64(len(c.workflow.nodes))
	c.progress(queue.Progress{Value: total, Max: total, Message: fmt.Sprintf("stored file %d of %d", len(c.result.Blobs), max(c.files, len(c.result.Blobs)))})
	return nil
}

// outputNodes returns the ids of the workflow's output nodes.
func (p *prompt) outputNodes(r *record) []string {
	if r.wanted == nil {
		return p.workflow.ends()
	}
	return r.wanted
}

// mayHaveImages reports whether images may still arrive for a prompt that has ended: if an output node has no other outputs.
func (p *prompt) mayHaveImages(r *record) bool {
	return !p.images.lost() && slices.ContainsFunc(p.outputNodes(r), func(id string) bool { return len(r.left[id]) == 0 })
}

// storeImages stores the images that output nodes sent over the WebSocket only, and records the nodes that have no outputs.
func (c *collector) storeImages(ctx context.Context) error {
	hasFiles := map[string]bool{}
	for _, f := range slices.Concat(c.all.files, c.all.spare) {
		hasFiles[f.node] = hasFiles[f.node] || !f.guessed
	}
	for _, id := range c.outputNodes(c.record) {
		if hasFiles[id] {
			continue // its images were previews
		}
		kept, dropped := c.images.from(id)
		if c.images.lost() && c.workflow.class(id) == saveImageWebsocket {
			return connector.Transient(connector.OutputMissing, nil,
				"the images of %s come over the WebSocket, whose connection was cut or never made", c.workflow.name(id))
		}
		if dropped > 0 {
			c.gap(id, "", fmt.Sprintf("images that came over the WebSocket and could not be kept: %d", dropped))
		} else if len(kept) == 0 && len(c.record.left[id]) == 0 {
			c.gap(id, "", "the output node produced nothing that ComfyUI lists")
		}
		for n, i := range kept {
			if err := c.storeImage(ctx, fmt.Sprintf("%s_%s_%05d", c.workflow.class(id), id, n+1), i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *collector) storeImage(ctx context.Context, name string, i image) error {
	f, err := os.Open(i.path)
	if err != nil {
		return connector.Transient(connector.OutputMissing, nil, "cannot read an image that came over the WebSocket from its temporary file: %s", plainly(err))
	}
	defer f.Close()
	_, ending, _ := strings.Cut(i.kind, "/")
	return c.store(ctx, name+"."+strings.Replace(ending, "jpeg", "jpg", 1), i.kind, f)
}

func (c *collector) gap(node, key, reason string) {
	c.all.gaps = append(c.all.gaps, gap{Node: node, Class: c.workflow.class(node), Key: key, Reason: reason})
}

// storeData sets the result's data. Data that is too large for the queue goes into a file.
func (c *collector) storeData(ctx context.Context) error {
	data := resultData{PromptID: c.id, Text: c.all.text, Data: c.all.data, NotCollected: c.all.gaps}
	encoded, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if len(encoded) > queue.MaxInlineResult {
		if err := c.store(ctx, "data.json", "application/json", bytes.NewReader(encoded)); err != nil {
			return err
		}
		short := resultData{PromptID: c.id, NotCollected: data.NotCollected}
		if encoded, err = json.Marshal(short); err == nil && len(encoded) > queue.MaxInlineResult {
			short.NotCollected = []gap{{Reason: fmt.Sprintf("%d outputs: data.json lists them", len(data.NotCollected))}}
			encoded, err = json.Marshal(short)
		}
		if err != nil {
			return err
		}
	}
	c.result.Data = encoded
	return nil
}

func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*statusError](err)
	return ok && e.status == status
}
