// Package comfytest holds what must be true of every ComfyUI server, real or simulated, so that neither the simulated server
// nor a new release of ComfyUI drifts away from what the connector expects.
//
// [Transcript] talks to a server over its stock protocol and records its answers, with ids and times replaced.
// testdata/protocol.txt is the transcript of a real server; every server must produce the same. The prompts in workflows.go
// are also used by the connector's own tests.
//
// It tests protocol, not images.
package comfytest
