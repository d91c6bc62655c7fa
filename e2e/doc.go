// Package e2e is the end-to-end suite. It runs the built programs on a real Nomad and a real Redis, and causes real
// faults.
//
// It has the build tag e2e (`make e2e`), and needs nomad and redis-server on PATH and the programs from `make build`.
// Each test has a cluster of its own with simulated GPUs, applies a profile from testdata with the real CLI, submits
// jobs over HTTP, and checks the resulting state in Nomad, Redis and the job records. No test runs against the
// stand-in; the contract suite does that.
package e2e
