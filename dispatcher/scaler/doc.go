// Package scaler decides how many machines each pool should have. It is pure: [Decide] reads a [Snapshot] and a clock
// value and returns numbers with reasons; it performs no input or output and remembers nothing. The loop that acts on its
// decisions is package resize; `machinectl simulate` runs the same function over a recorded trace.
//
// # The formula
//
// For the jobs of one class that a pool is asked to serve, with W waiting, R running, a mean service time S, and the
// pool's target wait T, the worker slots needed so that every waiting job starts within T are
//
//	backlog = (W + R) · S / (S + T)
//
// because n slots start n − R jobs at once and n·T/S more while T passes. It tends to W + R for jobs much longer than T
// (each needs a slot of its own) and to the throughput bound (W + R) · S/T for short ones. While machines are starting, T
// is longer by the rest of the cold start: a machine asked for now would come no sooner than those.
//
// In a steady state the backlog alone would give away all headroom, so the slots are at least
//
//	steady = least n with ErlangC(n, λS) · S/(n − λS) ≤ T,    but at most L + √L,  L = W + R
//
// where λ is the arrival rate: the mean wait of an M/M/n queue (A. K. Erlang, 1917; offered load λS: J. D. C. Little, 1961).
// The cap, what is in the system and one standard deviation of a Poisson count, keeps the memory of a burst in λ from
// asking for machines that nobody needs any more.
//
// A machine has several workers, and a class is served by some of them. The machines needed are the maximum, over every
// union U of such worker sets, of (slots wanted by classes served inside U only) ÷ (slots of U's workers per machine): by
// Hall's theorem (P. Hall, 1935; max-flow min-cut) that many suffice and fewer do not.
//
// # One job, one demand
//
// A class that several pools can serve is split between them before anything is added up: first to pools that have the
// machines already (starting ones count), then to the least capable pool that may still grow. Each job is counted in
// exactly one pool. A pool that Nomad could not place another machine of lately comes last, so that it isn't asked for one
// and given up again and again; where no other pool can serve a class, its machine stays asked for. The split depends on nothing but the snapshot.
//
// # Invariants, each held by a property test
//
//   - Unknown data never shrinks a pool, and grows it at most to its minimum.
//   - The result lies within the policy's bounds, unless that would shrink on unknown data.
//   - A pool shrinks by no more machines than have been idle for the policy's IdleAfter (or were never placed).
//   - Within a cooldown nothing changes in that direction; bounds are not subject to cooldowns.
//   - Machines that a person drained serve nothing and stay: they come on top of what the jobs need, within the maximum.
//   - Waiting jobs of a paused type ask for no machine: they wait for a person.
//   - More waiting jobs never give fewer machines.
//   - Where Nomad says that it can't place more machines, or new ones crash, no more are asked for.
//   - The order of classes and pools in the snapshot does not matter.
package scaler
