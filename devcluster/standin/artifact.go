package standin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

// artifactTimeout bounds one download.
const artifactTimeout = 5 * time.Minute

// fetchArtifact copies a file from a local path, file:// or http(s):// to its destination. It doesn't unpack archives
// or verify checksums, because it is meant for local builds.
func fetchArtifact(ctx context.Context, env *taskEnv, a *api.TaskArtifact, taskDir string) error {
	source := env.replace(deref(a.GetterSource))
	dest, err := inside(taskDir, env.replace(deref(a.RelativeDest)))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, artifactTimeout)
	defer cancel()
	in, err := openSource(ctx, source, a.GetterHeaders)
	if err != nil {
		return err
	}
	defer in.Close()
	if deref(a.GetterMode) != "file" {
		dest = filepath.Join(dest, path.Base(strings.SplitN(source, "?", 2)[0]))
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(dest+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(dest+".part", dest)
}

func openSource(ctx context.Context, source string, headers map[string]string) (io.ReadCloser, error) {
	u, err := url.Parse(source)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme == "" || u.Scheme == "file":
		return os.Open(u.Path)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the stand-in fetches files and http(s) only, not %s", u.Scheme)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", source, res.Status)
	}
	return res.Body, nil
}
