// Package compiler turns a [profile.Profile] into Nomad jobs: one service job per pool, one task group per revision of
// the pool's machine.
//
// It is a pure function: no cluster, no clock, no environment, and the same profile always gives the same bytes. What
// already runs, what changes and what fits is compiler/plan's business; how that looks is compiler/view's.
//
// # The shape of a job
//
//	job <pool>                        service, update.max_parallel = 0: no deployments, the dispatcher rolls out
//	└─ group <machine>-<revision>     scaling block with the policy (enabled = false), placement constraints
//	   ├─ shared-setup                prestart; runs to its end before the others start
//	   ├─ comfyui-gpu0, comfyui-gpu1  one task per service instance, each with its own GPU and dynamic port
//	   └─ agent                       leader: Nomad stops it first, so it drains while its services are still there
//
// # Invariants
//
//   - The revision is a hash of the group's content without its count and its scaling block. So resizing a pool or
//     changing its policy never alters a running machine, and every other change makes a new group beside the old one.
//   - Nothing that depends on the revision stands at job level: a change there would touch every allocation. Placement
//     is therefore written as constraints of the group, with datacenters and node pool left open on the job.
//   - Text of a profile is literal. Nomad would expand "${…}" and "%{…}" in it; each place is escaped by its own rule
//     (see escape.go), so that a process gets exactly what was written.
//   - Every field that Nomad would default is written out ([nomad.Job.Canonicalize]), so that planning what has just
//     been registered finds no difference.
package compiler
