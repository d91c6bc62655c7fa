package comfyui

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
	"github.com/emprops/machinectl/agent/foreign"
)

// FuzzAnswers: any answer of a server is read without a panic, and yields valid JSON.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"prompt": [1, "p", {}, {}, ["2"]], "outputs": {"2": {"images": [{"filename": "a/b.png [temp]", "type": NaN}], "text": ["x"], "result": ["3D/x.glb", null]}},
			"status": {"status_str": "error", "completed": false, "messages": [["execution_cached", {"nodes": ["1", 2]}], ["execution_error", {"node_id": "2", "exception_type": "E", "exception_message": "\ud800"}]]}}`,
		`{"outputs": [], "status": null}`, `{"queue_running": [[1, "x", {}, {"client_id": "c"}]], "queue_pending": []}`, `{"type": "progress", "data": {"value": NaN, "max": 1e999, "node": 5}}`,
		`{"error": {"message": "m", "details": 5}, "node_errors": {"1": {"errors": [{"message": "m"}]}}}`,
	} {
		f.Add([]byte(seed))
	}
	w, err := parse(job(comfytest.Image(1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := readRecord(foreign.NewScanner(bytes.NewReader(in)), room{1 << 20, 1 << 20})
		if failed := r.failure(w); failed != nil {
			require.NotEmpty(t, failed.Error())
		}
		l := r.sort(w)
		text, err := json.Marshal(resultData{"p", l.text, l.data, l.gaps})
		require.NoError(t, err)
		require.True(t, json.Valid(text))
		for _, file := range append(l.files, l.spare...) {
			require.NotEmpty(t, file.kind)
			require.False(t, strings.ContainsAny(file.name, `/\`), "%q", file.name)
		}
		readQueueItem(foreign.NewScanner(bytes.NewReader(in)))
		e := readEvent(bytes.NewReader(in))
		newTrack(w).observe(e)
		_ = refusal(w, in)
	})
}
