package api_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

// Schemathesis makes requests of the document, right and wrong ones, and holds the answers to it: no error inside the server,
// no status, type or body that isn't documented.
func TestSchemathesis(t *testing.T) {
	tool, err := exec.LookPath("schemathesis")
	if err != nil {
		t.Skip("schemathesis is not on PATH: pip install schemathesis")
	}
	v := start(t, nil)
	require.NoError(t, v.queue.ReportMachine(t.Context(), queue.Machine{ID: "m1", Pool: "standard", State: queue.MachineReady}))
	v.submit(`{"type": "simulation"}`)
	examples := "15"
	if n := os.Getenv("SCHEMATHESIS_EXAMPLES"); n != "" {
		examples = n
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, "run", v.url+"/v1/openapi.json", "--max-examples", examples, "--request-timeout", "90", "--no-color",
		"--generation-deterministic", "--header", "Authorization: Bearer "+adminToken,
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance",
		// A stream of a job that never ends never ends.
		"--exclude-operation-id", "jobEvents")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
