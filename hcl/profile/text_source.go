package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// maxSource is the largest file that is read, in bytes.
const maxSource = 4 << 20

// Endings of file names.
const (
	profileEnding = ".hcl"
	varsEnding    = ".vars.hcl"
)

// addPath adds a file, or a directory's profile files in order of their names.
func (l *loader) addPath(path string) {
	info, err := l.stat(path)
	if err != nil {
		l.report(unreadable(path, err))
		return
	}
	if !info.IsDir() {
		l.addFile(path)
		return
	}
	entries, err := l.readDir(path)
	if err != nil {
		l.report(unreadable(path, err))
		return
	}
	found := false
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && strings.HasSuffix(name, profileEnding) && !strings.HasSuffix(name, varsEnding) && !strings.HasPrefix(name, ".") {
			l.addFile(filepath.Join(path, name))
			found = true
		}
	}
	if !found {
		l.report(diag.Error(hcl.Range{}, "No profile files", fmt.Sprintf("The directory %s has no file named *.hcl.", path),
			"Files named *.vars.hcl give variables their values; name them with -var-file."))
	}
}

func (l *loader) addFile(path string) {
	src, err := l.readFile(path)
	if err != nil {
		l.report(unreadable(path, err))
		return
	}
	l.addSource(path, src)
}

func (l *loader) addSource(name string, src []byte) {
	if slices.Contains(l.files, name) {
		return // named twice, as itself and with its directory
	}
	l.keep(name, src)
	l.files = append(l.files, name)
}

// keep remembers a source for the snippets of diagnostics.
func (l *loader) keep(name string, src []byte) {
	l.sources[name] = bytes.TrimPrefix(src, byteOrderMark)
	l.order = append(l.order, name)
}

func unreadable(path string, err error) *hcl.Diagnostic {
	return diag.Error(hcl.Range{}, "Unreadable file", fmt.Sprintf("%s can't be read: %s.", path, reason(err)), "")
}

// reason explains why something can't be read.
func reason(err error) string {
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it doesn't exist"
	case errors.Is(err, fs.ErrPermission):
		return "reading it is not permitted"
	case errors.As(err, &pathErr):
		return pathErr.Err.Error()
	default:
		return err.Error()
	}
}

func (l *loader) stat(path string) (fs.FileInfo, error) {
	if l.opts.FS != nil {
		return fs.Stat(l.opts.FS, filepath.ToSlash(path))
	}
	return os.Stat(path)
}

func (l *loader) readDir(path string) ([]fs.DirEntry, error) {
	if l.opts.FS != nil {
		return fs.ReadDir(l.opts.FS, filepath.ToSlash(path))
	}
	return os.ReadDir(path)
}

func (l *loader) readFile(path string) ([]byte, error) {
	info, err := l.stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxSource:
		return nil, fmt.Errorf("it has %d bytes, and the most is %d", info.Size(), maxSource)
	}
	if l.opts.FS != nil {
		return fs.ReadFile(l.opts.FS, filepath.ToSlash(path))
	}
	return os.ReadFile(path)
}
