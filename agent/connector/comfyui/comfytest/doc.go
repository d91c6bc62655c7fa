// Package comfytest holds what must be true of every ComfyUI server, real or simulated, so that the simulated one can't
// drift away from the real one, nor a new ComfyUI from the connector.
//
// [Transcript] talks to a server over its stock protocol and writes down what it answered, with ids and times replaced.
// testdata/protocol.txt is the transcript of a real server; every server must give the same. [Workflows] are the prompts
// that this and the connector's own tests use.
//
// It tests protocol, not images.
package comfytest
