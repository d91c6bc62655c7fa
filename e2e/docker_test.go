//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
)

// TestDockerMachine runs a machine whose tasks are containers: the agent and a simulated ComfyUI from one image,
// connected over mapped ports. E2E_IMAGE names a local image built from docker/Dockerfile (target sim). Its tag must
// not be latest, because Nomad would pull that.
func TestDockerMachine(t *testing.T) {
	image := os.Getenv("E2E_IMAGE")
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		t.Skipf("skipped: no Docker engine: %.200s", out)
	}
	if image == "" {
		t.Skip("skipped: no image (set E2E_IMAGE to one built from docker/Dockerfile)")
	}
	s := newStack(t, 1)
	s.apply("docker.hcl", "image="+image, "sim="+binary(t, "machine-sim"))
	s.waitReady(1)

	workflow := `{"workflow": {
	  "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}},
	  "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "docker"}}}}`
	id := s.submit(client.Submission{Type: "comfyui", Parameters: json.RawMessage(workflow)})
	job := s.waitJobs(60*time.Second, []string{id})[0]
	require.Len(t, job.Result.Blobs, 1)
}
