// Package standin serves the part of Nomad's HTTP API that machinectl uses, for one node, and runs the tasks as child
// processes. It exists so that a laptop and the tests need no Nomad.
//
// It is not a scheduler to deploy: one node, state in memory, no ACLs, no isolation, no deployments (a job must have
// update.max_parallel = 0), no drivers beside raw_exec and exec, where exec isolates nothing. An API path it does not
// serve answers 501 and says so. Where it differs from Nomad, it is wrong; package devcluster/contract holds both to the
// same behaviours.
//
// # How it is made
//
//	HTTP (http_*.go) ──▶ store: one mutex, one index ──▶ scheduler: reconcile (what should be) and place (where it fits)
//	                        ▲                                     │
//	                        └──── task states ──── alloc runner ◀─┘ new and stopped allocations
//
// Invariants: every change of the store goes through store.write and gets its own index; reconcile and place are pure;
// an allocation's resources, devices among them, are held until its runner says that it has ended.
// What has ended is forgotten after an hour, or earlier where there is much of it, so that state stays bounded.
package standin
