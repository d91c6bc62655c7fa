package standin

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// rotated is a log file in numbered parts, <base>.0, <base>.1 …, of which only the newest are kept.
type rotated struct {
	base  string
	limit int64 // bytes per part
	keep  int
	part  int
	size  int64
	file  *os.File
}

func openRotated(base string, cfg *api.LogConfig) (*rotated, error) {
	r := &rotated{base: base, limit: 10 << 20, keep: 10}
	if cfg != nil {
		r.limit, r.keep = int64(deref(cfg.MaxFileSizeMB))<<20, deref(cfg.MaxFiles)
	}
	parts, err := logParts(base)
	if err != nil {
		return nil, err
	}
	if len(parts) > 0 {
		r.part = parts[len(parts)-1]
	}
	return r, r.open()
}

func (r *rotated) open() error {
	f, err := os.OpenFile(r.base+"."+strconv.Itoa(r.part), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("task log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("task log: %w", err)
	}
	r.file, r.size = f, info.Size()
	return nil
}

// Write implements io.Writer.
func (r *rotated) Write(b []byte) (int, error) {
	if r.limit > 0 && r.size > 0 && r.size+int64(len(b)) > r.limit {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n, err := r.file.Write(b)
	r.size += int64(n)
	return n, err
}

func (r *rotated) next() error {
	if err := r.file.Close(); err != nil {
		return err
	}
	r.part++
	if old := r.part - r.keep; old >= 0 && r.keep > 0 {
		if err := os.Remove(r.base + "." + strconv.Itoa(old)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return r.open()
}

// Close closes the current part.
func (r *rotated) Close() error { return r.file.Close() }

// logParts returns the numbers of the existing parts, in order.
func logParts(base string) ([]int, error) {
	files, err := filepath.Glob(globQuote(base) + ".*")
	if err != nil {
		return nil, err
	}
	var parts []int
	for _, f := range files {
		if n, err := strconv.Atoi(strings.TrimPrefix(f, base+".")); err == nil {
			parts = append(parts, n)
		}
	}
	slices.Sort(parts)
	return parts, nil
}

func globQuote(s string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(s)
}
