// Package contract states the behaviours of Nomad that machinectl relies on, as named tests that run against both the
// stand-in and a real Nomad. Where the two differ, the stand-in is wrong.
//
// It tests neither all of Nomad nor everything that the stand-in serves: each behaviour is here because the compiler,
// the dispatcher or the agent depends on it.
//
// Known differences, by name. machinectl relies on none of them:
//
//   - exec-isolates: the stand-in's exec driver isolates nothing.
//   - cgroups: the stand-in finds what a task left behind by process group and environment, not by cgroup.
//   - identity-jwt: the stand-in's identity tokens are random texts, not JWTs.
//   - deployments: the stand-in refuses jobs with update.max_parallel above 0.
//   - diff-names: nested objects in a plan's diff have the API's names, and unchanged fields are never listed.
package contract
