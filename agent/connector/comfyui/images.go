package comfyui

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/emprops/machinectl/agent/foreign"
)

// Binary messages and image formats of ComfyUI's protocol.py and server.py.
const (
	imageMessage    = 1 // 4 bytes format, the image
	imageWithOrigin = 4 // 4 bytes length, JSON of that length about the image, the image
	formatPNG       = 2 // else JPEG
)

// Limits of the images that are kept of one prompt.
const (
	maxImages     = 1000
	maxImageBytes = 1 << 30
	maxOrigin     = 64 << 10
)

// images keeps, in a temporary folder, the images that come over the WebSocket from nodes at a workflow's end, such as
// SaveImageWebsocket: they have no file at the server. Previews look the same, but come from other nodes, or from nodes that
// have files as well. The [collector] sorts them out when the prompt has ended.
type images struct {
	of  func(node string) bool // nodes whose images are kept
	log *slog.Logger
	// ended is closed when the server has announced the prompt's end: no image comes after that.
	ended chan struct{}

	mu      sync.Mutex
	node    string // the one being executed
	over    bool
	missed  bool // some may have been sent while the WebSocket was not connected
	dir     string
	bytes   int64
	count   int
	kept    map[string][]image
	dropped map[string]int // by node: not kept
}

// image is one kept image.
type image struct{ path, kind string }

func newImages(of func(string) bool, log *slog.Logger) *images {
	return &images{of: of, log: log, ended: make(chan struct{}), kept: map[string][]image{}, dropped: map[string]int{}}
}

// observe reads the messages between the images: they name the node that sends.
func (i *images) observe(e event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if e.kind == "executing" || e.kind == "progress" {
		i.node = e.node
	}
	if e.ends() && !i.over {
		i.over = true
		close(i.ended)
	}
}

// miss records that the WebSocket is not connected for a while.
func (i *images) miss() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.missed = i.missed || !i.over
}

// lost reports whether images may have been missed.
func (i *images) lost() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.missed
}

// take reads one binary message, and keeps its image if it is wanted.
func (i *images) take(r io.Reader) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return // not an image
	}
	node, kind := i.node, "image/jpeg"
	switch rest := binary.BigEndian.Uint32(head[4:]); binary.BigEndian.Uint32(head[:4]) {
	case imageMessage:
		if rest == formatPNG {
			kind = "image/png"
		}
	case imageWithOrigin:
		if rest > maxOrigin {
			return
		}
		said := io.LimitReader(r, int64(rest))
		node, kind = readOrigin(said)
		if _, err := io.Copy(io.Discard, said); err != nil {
			return
		}
	default:
		return
	}
	if !i.of(node) {
		return
	}
	if err := i.keep(r, node, kind); err != nil {
		i.dropped[node]++
		i.log.Warn("cannot keep an image", "node", node, "error", err)
	}
}

// readOrigin reads a message's JSON about its image.
func readOrigin(r io.Reader) (node, kind string) {
	s := foreign.NewScanner(r)
	for name := range s.Fields() {
		switch name {
		case "node_id":
			node, _ = s.Text(maxID)
		case "image_type":
			kind, _ = s.Text(maxID)
		}
	}
	return node, kind
}

func (i *images) keep(r io.Reader, node, kind string) (err error) {
	if i.count >= maxImages || i.bytes >= maxImageBytes {
		return errors.New("too many")
	}
	if i.dir == "" {
		if i.dir, err = os.MkdirTemp("", "comfyui-images-"); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(i.dir, fmt.Sprint(i.count)))
	if err != nil {
		return err
	}
	begin := make([]byte, 512)
	n, err := io.ReadFull(r, begin)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	if err == nil {
		_, err = f.Write(begin[:n])
	}
	if err == nil {
		var more int64
		more, err = io.Copy(f, io.LimitReader(r, maxImageBytes-i.bytes))
		i.bytes += int64(n) + more
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if detected := http.DetectContentType(begin[:n]); detected != "application/octet-stream" {
		kind = detected // the header knows only two kinds
	}
	i.kept[node] = append(i.kept[node], image{f.Name(), kind})
	i.count++
	return nil
}

// clean removes the temporary folder. It must be called after the socket has ended.
func (i *images) clean() {
	if i.dir != "" {
		if err := os.RemoveAll(i.dir); err != nil {
			i.log.Warn("cannot remove a temporary folder", "folder", i.dir, "error", err)
		}
	}
}
