// Package compiler turns a [profile.Profile] into Nomad jobs: one service job per pool, one task group per revision of
// the pool's machine.
//
// It is a pure function: it uses no cluster, clock or environment, and the same profile always gives the same bytes.
// Package compiler/plan finds out what already runs, what changes and what fits; package compiler/view displays it.
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
//   - The revision is a hash of the group's content without its count and its scaling block. Resizing a pool or
//     changing its policy therefore never alters a running machine. Every other change makes a new group beside the
//     old one.
//   - The job level holds nothing that depends on the revision, because a change there would touch every allocation.
//     Placement is therefore written as constraints of the group; the job leaves datacenters and node pool open.
//   - Text of a profile is literal. Nomad would expand "${…}" and "%{…}" in it, so each place is escaped by its own
//     rule (see escape.go), and a process gets exactly what was written.
//   - Every field that Nomad would default is written out ([nomad.Job.Canonicalize]), so that a plan right after
//     registration finds no difference.
package compiler
