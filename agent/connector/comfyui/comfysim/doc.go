// Package comfysim is a simulated ComfyUI server: the stock protocol, real PNG files out, no Python, no GPU and no models.
// It serves to try out pools (machine-sim comfyui), and the comfyui connector's tests use it.
//
// It is not an image generator: every image has one colour. It knows the node classes in nodes.go, which are those of the
// usual text-to-image workflows, and refuses others as ComfyUI does.
//
// What it copies from ComfyUI 0.3.64 (server.py, execution.py): routes with and without /api; the queue's order; validation
// with the same error types; messages on /ws and their order, binary previews among them; the cache, which keeps the last prompt's
// results; interruption between nodes and between steps; history records; file names. The contract suite in
// comfytest runs against both.
//
// In addition it simulates faults, see [Options].
package comfysim
