package comfytest

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// StepsNode is the Python source of the node SimulatedSteps, for a real server's folder custom_nodes.
//
//go:embed testdata/simulated_steps.py
var StepsNode []byte

// OutputNode is the Python source of the node SimulatedOutput.
//
//go:embed testdata/simulated_output.py
var OutputNode []byte

// Image returns the workflow EmptyImage → SaveImage. The colour makes it different from others, for the server's cache.
func Image(color int) json.RawMessage {
	return text(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 32, "batch_size": 1, "color": %d}},
		"2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "test"}}}`, color)
}

// Steps returns the workflow EmptyImage → SimulatedSteps → SaveImage: n steps of the given seconds, and then a failure of the
// given kind ("no", "error" or "memory").
func Steps(color, n int, seconds float64, fail string) json.RawMessage {
	return text(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 32, "batch_size": 1, "color": %d}},
		"2": {"class_type": "SimulatedSteps", "inputs": {"image": ["1", 0], "steps": %d, "seconds": %g, "fail": %q}, "_meta": {"title": "Dream"}},
		"3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "sub/steps"}}}`, color, n, seconds, fail)
}

// Batch returns a workflow with several files and as many previews. Servers run outputs in any order.
func Batch(color int) json.RawMessage {
	return text(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 3, "color": %d}},
		"2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "batch"}},
		"4": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}`, color)
}

// Preview returns a workflow whose only output is a temporary file.
func Preview(color int) json.RawMessage {
	return text(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": %d}},
		"2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}`, color)
}

// Text returns a workflow whose only output is a text.
func Text(word string) json.RawMessage {
	return text(`{"3": {"class_type": "PreviewAny", "inputs": {"source": %q}}}`, word)
}

// Output returns a workflow whose node 5 has the outputs in ui: JSON as Python reads it.
func Output(ui string) json.RawMessage {
	quoted, err := json.Marshal(ui)
	if err != nil { // impossible for a string
		panic(err)
	}
	return text(`{"5": {"class_type": "SimulatedOutput", "inputs": {"ui": %s}}}`, quoted)
}

// Websocket returns a workflow whose node 2 sends n images over the WebSocket and has no other output.
func Websocket(color, n int) json.RawMessage {
	return text(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 32, "batch_size": %d, "color": %d}},
		"2": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}}}`, n, color)
}

// Files returns a workflow whose output is several files.
func Files(color int) json.RawMessage {
	return text(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 3, "color": %d}},
		"2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "files"}}}`, color)
}

// Wrong returns workflows that a server refuses, by mistake.
func Wrong() map[string]json.RawMessage {
	image := `"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}}`
	scaled := `{%s, "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "upscale_method": %s, "width": %s, "height": 32, "crop": "disabled"}},
		"3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}}`
	return map[string]json.RawMessage{
		"unknown class":   text(`{%s, "2": {"class_type": "NoSuchNode", "inputs": {}}}`, image),
		"no class":        text(`{%s, "2": {"inputs": {}}}`, image),
		"no outputs":      text(`{%s}`, image),
		"missing input":   text(`{%s, "2": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}}`, image),
		"too large":       text(scaled, image, `"area"`, `99999`),
		"too small":       text(scaled, image, `"area"`, `-1`),
		"not a number":    text(scaled, image, `"area"`, `"wide"`),
		"not in the list": text(scaled, image, `"magic"`, `32`),
		"bad link":        text(`{%s, "2": {"class_type": "SaveImage", "inputs": {"images": ["1"], "filename_prefix": "x"}}}`, image),
		"wrong type": text(`{%s, "2": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0], "vae": ["3", 0]}},
			"3": {"class_type": "CheckpointLoaderSimple", "inputs": {}}, "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}}`, image),
	}
}

// Partly returns a workflow with one right and one wrong output: servers accept it and leave out the wrong one.
func Partly(color int) json.RawMessage {
	return text(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": %d}},
		"2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "partly"}},
		"3": {"class_type": "SaveImage", "inputs": {"filename_prefix": "partly"}}}`, color)
}

func text(format string, args ...any) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(format, args...))
}
