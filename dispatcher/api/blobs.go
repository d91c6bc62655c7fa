package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/queue"
)

// blobFolder returns the folder's absolute path. A missing folder is only a warning: agents create it with their first file.
func blobFolder(folder string, log *slog.Logger) (string, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("the blob folder: %w", err)
	}
	switch info, err := os.Stat(abs); {
	case errors.Is(err, fs.ErrNotExist):
		log.Warn("blob folder does not exist yet", "folder", abs)
	case err != nil:
		return "", fmt.Errorf("the blob folder: %w", err)
	case !info.IsDir():
		return "", fmt.Errorf("the blob folder: %s is a file: name the folder that agents store results in", abs)
	}
	return abs, nil
}

// JobBlob implements [wire.StrictServerInterface]: it streams one file of a completed job's result, if the file is below the
// dispatcher's blob folder.
func (s *Server) JobBlob(ctx context.Context, r wire.JobBlobRequestObject) (wire.JobBlobResponseObject, error) {
	job, err := s.o.Queue.Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	b, ok := findBlob(job, r.Name)
	if !ok {
		return nil, refuse(http.StatusNotFound, codeNotFound, "name", "job %s is %s and has no file %q in its result", job.ID, job.State, r.Name)
	}
	path, ok := s.localPath(b.URL)
	if !ok {
		return nil, refuse(http.StatusNotFound, codeNotFound, "name", "this dispatcher can't read the store of that file: fetch it from %s", b.URL)
	}
	return served(func(w http.ResponseWriter) error { return s.serveFile(w, requestOf(ctx), path, b) }), nil
}

func findBlob(job *queue.Job, name string) (queue.Blob, bool) {
	if job.Result == nil {
		return queue.Blob{}, false
	}
	for _, b := range job.Result.Blobs {
		if b.Name == name {
			return b, true
		}
	}
	return queue.Blob{}, false
}

// localPath returns the path below the blob folder that a file:// URL names; ok is false for anything else. Links that
// lead out of the folder are refused when the file is opened.
func (s *Server) localPath(rawURL string) (path string, ok bool) {
	u, err := url.Parse(rawURL)
	if s.blobs == "" || err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
		return "", false
	}
	rel, err := filepath.Rel(s.blobs, filepath.Clean(u.Path))
	return rel, err == nil && filepath.IsLocal(rel)
}

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, path string, b queue.Blob) error {
	f, err := openIn(s.blobs, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(http.StatusNotFound, codeNotFound, "name", "the file %s is not in the store, or has been removed", b.URL)
	case err != nil: // a link that leads out of the folder, or no permission
		s.log.Warn("cannot open a result's file", "url", b.URL, "error", err)
		return refuse(http.StatusNotFound, codeNotFound, "name", "this dispatcher may not read %s", b.URL)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return refuse(http.StatusNotFound, codeNotFound, "name", "%s is not a file", b.URL)
	}
	h := w.Header()
	h.Set("Content-Type", contentType(b))
	// Results are made by jobs: a browser should show them, and never run them.
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	if b.SHA256 != "" {
		h.Set("ETag", `"`+b.SHA256+`"`)
	}
	paced := &pacedWriter{ResponseWriter: w, rc: http.NewResponseController(w), timeout: s.o.WriteTimeout}
	http.ServeContent(paced, r, "", info.ModTime(), f)
	return nil
}

// openIn opens a file below the folder. Links that lead out of it are refused.
func openIn(folder, path string) (*os.File, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(path)
}

// pacedWriter gives each write its own deadline: a large file may take long, but a client must not stop reading.
type pacedWriter struct {
	http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
}

func (w *pacedWriter) Write(b []byte) (int, error) {
	if err := w.rc.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

func contentType(b queue.Blob) string {
	if b.ContentType == "" || strings.ContainsAny(b.ContentType, "\r\n") {
		return "application/octet-stream"
	}
	return b.ContentType
}
