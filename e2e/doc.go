// Package e2e is the end-to-end suite: the built programs, a real Nomad and a real Redis, and faults caused for real.
//
// It runs under the build tag e2e (`make e2e`), expects nomad and redis-server on PATH and `make build` done. Each test has a cluster
// of its own with simulated GPUs, applies a profile from testdata with the real CLI, submits jobs over HTTP, and looks at
// what Nomad, Redis and the job records say afterwards. No test of it runs against the stand-in: that is the contract suite's business.
package e2e
