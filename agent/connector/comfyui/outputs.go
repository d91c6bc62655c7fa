package comfyui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/queue"
)

// file is one file that an output node lists.
type file struct {
	Name      string `json:"filename"`
	Subfolder string `json:"subfolder"`
	Type      string `json:"type"` // output, temp or input
}

// outputs sorts what a record's nodes left into files and texts, in order of node id.
func (r *record) outputs() (files []file, text map[string][]string) {
	var temporary []file
	text = map[string][]string{}
	for _, id := range sorted(r.Outputs) {
		for _, kind := range sorted(r.Outputs[id]) {
			var items []json.RawMessage
			if json.Unmarshal(r.Outputs[id][kind], &items) != nil {
				continue // not a list: nothing that can be fetched
			}
			for _, item := range items {
				var f file
				var s string
				switch {
				case json.Unmarshal(item, &f) == nil && f.Name != "" && f.Type == "output":
					files = append(files, f)
				case f.Name != "" && f.Type == "temp":
					temporary = append(temporary, f)
				case kind == "text" && json.Unmarshal(item, &s) == nil:
					text[id] = append(text[id], s)
				}
			}
		}
	}
	if len(files) == 0 {
		files = temporary
	}
	return files, text
}

// collect streams a record's files into the store and makes the result.
func (c *Connector) collect(ctx context.Context, p *prompt, r *record, into connector.Files) (queue.Result, error) {
	files, text := r.outputs()
	var result queue.Result
	for i, f := range files {
		blob, err := c.fetch(ctx, f, into)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return queue.Result{}, err
		}
		result.Blobs = append(result.Blobs, blob)
		total := float64(len(p.workflow.nodes))
		p.progress(queue.Progress{Value: total, Max: total, Message: fmt.Sprintf("stored file %d of %d", i+1, len(files))})
	}
	data := textData{PromptID: p.id, Text: text}
	encoded, err := data.encode()
	if err != nil {
		return queue.Result{}, err
	}
	if len(encoded) > queue.MaxInlineResult {
		blob, err := into.Store(ctx, "text.json", "application/json", strings.NewReader(string(encoded)))
		if err != nil {
			return queue.Result{}, err
		}
		result.Blobs = append(result.Blobs, blob)
		if encoded, err = (textData{PromptID: p.id}).encode(); err != nil {
			return queue.Result{}, err
		}
	}
	result.Data = encoded
	return result, nil
}

// fetch streams one file from the server into the store.
func (c *Connector) fetch(ctx context.Context, f file, into connector.Files) (queue.Blob, error) {
	query := url.Values{"filename": {f.Name}, "subfolder": {f.Subfolder}, "type": {f.Type}}
	resp, err := c.api.do(ctx, http.MethodGet, "/view", query, nil)
	if err != nil {
		if status, ok := errors.AsType[*statusError](err); ok && status.status == http.StatusNotFound {
			return queue.Blob{}, connector.Transient(connector.OutputMissing, nil,
				"ComfyUI lists the file %s, but it is not there (a cached result whose file was deleted?)", f.Name)
		}
		return queue.Blob{}, connector.Transient(connector.OutputMissing, err, "cannot fetch the file %s", f.Name)
	}
	defer resp.Body.Close()
	kind := resp.Header.Get("Content-Type")
	if kind == "" {
		kind = "application/octet-stream"
	}
	name := f.Name
	if f.Subfolder != "" {
		name = strings.ReplaceAll(f.Subfolder, "/", "-") + "-" + name
	}
	blob, err := into.Store(ctx, name, kind, resp.Body)
	if _, ok := errors.AsType[*connector.Failure](err); err != nil && !ok {
		return queue.Blob{}, connector.Transient(connector.OutputMissing, err, "the file %s broke off", f.Name)
	}
	return blob, err
}
