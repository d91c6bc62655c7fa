// Package manifest is what the compiler writes into a Nomad job and what the agent and the dispatcher read back out of it:
// the agent's instructions ([Agent]), a task group's scaling policy ([Policy]), and the names and meta keys by which
// our jobs are recognised.
//
// It is plain data with encoders, so that compiler, agent and dispatcher need not import each other. It knows nothing of
// HCL syntax (hcl/profile) and nothing of Nomad's API types (compiler).
package manifest
