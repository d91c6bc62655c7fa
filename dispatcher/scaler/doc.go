// Package scaler decides how many machines each pool should have. It is pure: [Decide] takes a [Snapshot] and a time
// and returns numbers with reasons. It performs no I/O and keeps no state. The loop that acts on its decisions is in
// package resize; `machinectl simulate` runs the same function over a recorded trace.
//
// # The formula
//
// Take the jobs of one class that a pool should serve: W waiting, R running, with a mean service time S. If T is the
// pool's target wait, the worker slots needed for every waiting job to start within T are
//
//	backlog = (W + R) · S / (S + T)
//
// because n slots start n − R jobs immediately and n·T/S more while T passes. It tends to W + R for jobs much longer
// than T (each needs a slot of its own) and to the throughput bound (W + R) · S/T for short ones. While machines are
// starting, T is longer by the rest of the cold start: a machine requested now would not be ready before them.
//
// In a steady state the backlog alone leaves no headroom, so the slots are at least
//
//	steady = least n with ErlangC(n, λS) · S/(n − λS) ≤ T,    but at most L + √L,  L = W + R
//
// where λ is the arrival rate: the mean wait of an M/M/n queue (A. K. Erlang, 1917; offered load λS: J. D. C. Little,
// 1961). The cap is the number of jobs in the system plus one standard deviation of a Poisson count. It keeps a past
// burst, which λ still remembers, from requesting machines that are no longer needed.
//
// A machine has several workers, and a class is served by some of them. The machines needed are the maximum, over every
// union U of such worker sets, of (slots needed by classes that only U serves) ÷ (slots of U's workers per machine). By
// Hall's theorem (P. Hall, 1935; max-flow min-cut) that many suffice and fewer do not.
//
// # One job, one demand
//
// A class that several pools can serve is split between them before demand is added up: first to pools that already
// have the machines (including starting ones), then to the least capable pool that may still grow. Each job counts in
// exactly one pool. A scarce pool, one for which Nomad recently found no room, comes last, so that a machine isn't
// requested and withdrawn repeatedly. If no other pool can serve a class, the scarce pool's request stays. The split
// depends on nothing but the snapshot.
//
// # Invariants, each held by a property test
//
//   - Unknown data never shrinks a pool, and grows it at most to its minimum.
//   - The result lies within the policy's bounds, unless that would shrink on unknown data.
//   - A pool shrinks by no more machines than have been idle for the policy's IdleAfter (or were never placed).
//   - Within a cooldown nothing changes in that direction; bounds are not subject to cooldowns.
//   - Machines drained by an operator serve nothing and stay: they come on top of what the jobs need, within the maximum.
//   - Waiting jobs of a paused type need no machine: they wait for an operator.
//   - More waiting jobs never result in fewer machines.
//   - While Nomad reports that it can't place more machines, or new ones crash, no more are requested.
//   - The order of classes and pools in the snapshot does not matter.
package scaler
