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
	imageWithOrigin = 4 // 4 bytes length, so much JSON about the image, the image
	formatPNG       = 2 // else JPEG
)

// What is kept of the images that one prompt sends.
const (
	maxImages     = 1000
	maxImageBytes = 1 << 30
	maxOrigin     = 64 << 10
)

// images keeps, in a temporary folder, the images that come over the WebSocket from nodes at a workflow's end, such as
// SaveImageWebsocket: they have no file at the server. Previews look the same and come from other nodes, or from nodes which leave
// files as well; [leavings] tells them apart when the prompt has ended.
type images struct {
	of  func(node string) bool // nodes whose images are kept
	log *slog.Logger
	// ended is closed when the server said that the prompt has ended: no image comes after that.
	ended chan struct{}

	mu      sync.Mutex
	node    string // which is executed
	over    bool
	missed  bool // some may have come while nobody listened
	dir     string
	bytes   int64
	count   int
	kept    map[string][]image
	dropped map[string]int // by node: not kept
}

// image is one of them.
type image struct{ path, kind string }

func newImages(of func(string) bool, log *slog.Logger) *images {
	return &images{of: of, log: log, ended: make(chan struct{}), kept: map[string][]image{}, dropped: map[string]int{}}
}

// see takes the messages between the images: they tell which node sends.
func (i *images) see(e event) {
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

// miss takes note that nobody listens for a while.
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

// take reads one binary message as far as it is wanted.
func (i *images) take(r io.Reader) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return // no image
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
		i.log.Warn("image not kept", "node", node, "error", err)
	}
}

// readOrigin reads what a message says of its image.
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
	if seen := http.DetectContentType(begin[:n]); seen != "application/octet-stream" {
		kind = seen // the header knows two kinds only
	}
	i.kept[node] = append(i.kept[node], image{f.Name(), kind})
	i.count++
	return nil
}

// clean removes the temporary folder. Nobody listens any more.
func (i *images) clean() {
	if i.dir != "" {
		if err := os.RemoveAll(i.dir); err != nil {
			i.log.Warn("temporary folder stays", "folder", i.dir, "error", err)
		}
	}
}
