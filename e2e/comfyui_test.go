//go:build e2e

package e2e

import (
	"encoding/json"
	"image/png"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
)

// TestRealComfyUI runs a job, EmptyImage → SaveImage, on a real ComfyUI that Nomad runs on the CPU as a service of a
// machine. The job reports progress, and the PNG arrives in the blob store. COMFYUI_DIR is a checkout of ComfyUI,
// COMFYUI_PYTHON a Python with its requirements installed.
func TestRealComfyUI(t *testing.T) {
	dir, python := os.Getenv("COMFYUI_DIR"), os.Getenv("COMFYUI_PYTHON")
	if dir == "" || python == "" {
		t.Skip("skipped: no real ComfyUI (set COMFYUI_DIR and COMFYUI_PYTHON)")
	}
	s := newStack(t, 1)
	s.apply("comfyui.hcl", "comfyui="+dir, "python="+python)
	s.waitReady(1)

	workflow := `{"workflow": {
	  "1": {"class_type": "EmptyImage", "inputs": {"width": 320, "height": 200, "batch_size": 1, "color": 3368601}},
	  "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "e2e"}}}}`
	id := s.submit(client.Submission{Type: "comfyui", Capabilities: []string{"gpu"}, Parameters: json.RawMessage(workflow)})
	job := s.waitJobs(90*time.Second, []string{id})[0]

	require.NotNil(t, job.Progress, "the job reported progress")
	require.Len(t, job.Result.Blobs, 1)
	blob := job.Result.Blobs[0]
	require.Equal(t, "image/png", blob.ContentType)
	u, err := url.Parse(blob.URL)
	require.NoError(t, err)
	f, err := os.Open(u.Path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.DecodeConfig(f)
	require.NoError(t, err)
	require.Equal(t, [2]int{320, 200}, [2]int{img.Width, img.Height})
}
