// Package standin serves the part of Nomad's HTTP API that machinectl uses, for one node, and runs tasks as child
// processes. It exists so that laptops and tests need no Nomad.
//
// It is not a scheduler to deploy. It has one node, keeps its state in memory, and has no ACLs, no isolation, no
// deployments (a job must have update.max_parallel = 0) and no drivers except raw_exec and exec, where exec isolates
// nothing. API paths that it does not serve answer 501 with an explanation. Where it differs from Nomad, it is wrong;
// package devcluster/contract tests both for the same behaviours.
//
// # Structure
//
//	HTTP (http_*.go) ──▶ store: one mutex, one index ──▶ scheduler: reconcile (what should be) and place (where it fits)
//	                        ▲                                     │
//	                        └──── task states ──── alloc runner ◀─┘ new and stopped allocations
//
// Invariants: every change of the store goes through store.write and gets its own index; reconcile and place are pure;
// an allocation holds its resources, including devices, until its runner reports that it has ended. State stays
// bounded: what has ended is removed after an hour, or earlier if there is a lot of it.
package standin
