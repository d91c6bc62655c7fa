// Package devcluster starts a Nomad and a Redis on this machine for development and tests. It uses the real programs if
// they are on PATH, else a stand-in and an embedded Redis, and leaves no process behind.
//
// It is not meant to serve other people: everything listens on 127.0.0.1, nothing has a password, GPUs are simulated,
// and the node declares more CPU and memory than the machine has, so that profiles for large machines can be placed.
//
// Invariants: all that Start has started is gone after Stop, and also when the process that called Start dies, even by
// SIGKILL (package child). [Cluster.Describe] tells what is real and what is a stand-in.
package devcluster
