// Package contract states what machinectl relies on of Nomad, as named behaviours which are run against the stand-in and
// against a real Nomad. Where they differ, the stand-in is wrong.
//
// It is not a test of Nomad, and not of everything the stand-in serves: a behaviour is here because the compiler, the
// dispatcher or the agent is built on it.
//
// Known differences, by name, none of which machinectl relies on:
//
//   - exec-isolates: driver exec isolates nothing in the stand-in.
//   - cgroups: the stand-in ends what a task left behind by process group and environment, not by cgroup.
//   - identity-jwt: the stand-in's identity tokens are random texts, not JWTs.
//   - deployments: the stand-in refuses jobs with update.max_parallel above 0.
//   - diff-names: nested objects in a plan's diff have the API's names, and unchanged fields are never listed.
package contract
