// Package devcluster starts a Nomad and a Redis on this machine for development and for tests, real ones where they are on
// PATH, else a stand-in and an embedded Redis, and ends them without leaving a process behind.
//
// It is not a way to run machinectl for others: everything listens on 127.0.0.1, nothing has a password, GPUs are simulated,
// and the node declares more CPU and memory than the machine has, so that profiles meant for large machines can be placed.
//
// Invariants: what Start has started is gone after Stop, and also when the process that called Start dies, SIGKILL
// included (package child). [Cluster.Describe] says what is real and what is stood in for.
package devcluster
