package comfyui

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	max int64 // bytes of all images
	// ended is closed when the server has announced the prompt's end: no image comes after that.
	ended chan struct{}

	// Only the goroutine that reads the WebSocket uses these: it waits for the network while it writes an image's file, and
	// must not hold mu meanwhile.
	node  string // the one being executed
	dir   string
	bytes int64
	count int

	mu      sync.Mutex
	over    bool
	missed  bool // some may have been sent while the WebSocket was not connected
	kept    map[string][]image
	dropped map[string]int // by node: not kept
}

// image is one kept image.
type image struct{ path, kind string }

func newImages(of func(string) bool, log *slog.Logger) *images {
	return &images{of: of, log: log, max: maxImageBytes, ended: make(chan struct{}), kept: map[string][]image{}, dropped: map[string]int{}}
}

// observe reads the messages between the images: they name the node that sends.
func (i *images) observe(e event) {
	if e.kind == "executing" || e.kind == "progress" {
		i.node = e.node
	}
	i.mu.Lock()
	defer i.mu.Unlock()
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
	kept, err := i.write(r, kind)
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		i.dropped[node]++
		i.log.Warn("cannot keep an image", "node", node, "error", err)
		return
	}
	i.kept[node] = append(i.kept[node], kept)
}

// from returns the images that were kept of a node, and how many were not.
func (i *images) from(node string) (kept []image, dropped int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.kept[node]), i.dropped[node]
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

// errTooMuch is the error for an image beyond the limits. A part of an image would look like a whole one.
var errTooMuch = fmt.Errorf("the prompt has more than %d images, or more than %d MiB of them", maxImages, maxImageBytes>>20)

// write writes an image to a file of the temporary folder.
func (i *images) write(r io.Reader, kind string) (kept image, err error) {
	if i.count >= maxImages {
		return image{}, errTooMuch
	}
	if i.dir == "" {
		if i.dir, err = os.MkdirTemp("", "comfyui-images-"); err != nil {
			return image{}, err
		}
	}
	f, err := os.Create(filepath.Join(i.dir, strconv.Itoa(i.count)))
	if err != nil {
		return image{}, err
	}
	begin := bufio.NewReader(io.LimitReader(r, i.max-i.bytes+1))
	first, err := begin.Peek(512)
	if errors.Is(err, io.EOF) {
		err = nil
		if len(first) == 0 {
			err = errors.New("the image is empty")
		}
	}
	var size int64
	if err == nil {
		if detected := http.DetectContentType(first); detected != "application/octet-stream" {
			kind = detected // the header knows only two kinds
		}
		size, err = begin.WriteTo(f)
	}
	if err == nil && size > i.max-i.bytes {
		err = errTooMuch
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return image{}, errors.Join(err, os.Remove(f.Name()))
	}
	i.bytes += size
	i.count++
	return image{f.Name(), kind}, nil
}

// clean removes the temporary folder. It must be called after the socket has ended.
func (i *images) clean() {
	if i.dir != "" {
		if err := os.RemoveAll(i.dir); err != nil {
			i.log.Warn("cannot remove a temporary folder", "folder", i.dir, "error", err)
		}
	}
}
