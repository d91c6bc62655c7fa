package comfysim

import (
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// files are the server's output and temp folders.
type files struct{ dir string }

// create writes a picture under the next free name of its prefix, which may name a subfolder, and returns the reference
// that clients get.
func (f *files) create(kind, prefix string, p picture) (map[string]string, error) {
	prefix = strings.TrimPrefix(path.Clean("/"+prefix), "/")
	if prefix == "" || strings.HasPrefix(prefix, "..") {
		return nil, fmt.Errorf("bad filename prefix %q", prefix)
	}
	subfolder, base := path.Split(prefix)
	subfolder = strings.TrimSuffix(subfolder, "/")
	folder := filepath.Join(f.dir, kind, subfolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s_%05d_.png", base, n)
		w, err := os.OpenFile(filepath.Join(folder, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := png.Encode(w, solid{p}); err != nil {
			return nil, errors.Join(err, w.Close())
		}
		return map[string]string{"filename": name, "subfolder": subfolder, "type": kind}, w.Close()
	}
}

// view answers GET /view.
func (f *files) view(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name, kind, subfolder := q.Get("filename"), q.Get("type"), q.Get("subfolder")
	if kind == "" {
		kind = "output"
	}
	switch {
	case !q.Has("filename"):
		http.NotFound(w, r)
		return
	case kind != "output" && kind != "temp" && kind != "input", name == "", name[0] == '/', strings.Contains(name, ".."):
		http.Error(w, "", http.StatusBadRequest)
		return
	case strings.Contains(subfolder, ".."):
		http.Error(w, "", http.StatusForbidden)
		return
	}
	file := filepath.Join(f.dir, kind, filepath.FromSlash(subfolder), filepath.Base(name))
	content, err := os.Open(file) //nolint:gosec // checked above, as ComfyUI does
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer content.Close()
	info, err := content.Stat()
	if err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	kindOf := mime.TypeByExtension(filepath.Ext(name))
	if kindOf == "" {
		kindOf = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kindOf)
	w.Header().Set("Content-Disposition", fmt.Sprintf("filename=%q", filepath.Base(name)))
	http.ServeContent(w, r, "", info.ModTime(), content)
}
