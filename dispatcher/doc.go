// Package dispatcher is the machine-dispatcher: it takes jobs in over HTTP (package api), gives lost ones back to the
// queue, and keeps the pools at the size that their jobs need (packages scaler, rollout, resize, on top of fleet).
//
// It runs no jobs, and it holds nothing that a restart would lose: jobs are in Redis, what should run is in Nomad.
//
// # Start and stop
//
// [Run] listens first, so that a taken port is an error at once; then everything starts at the same time. While Redis can't
// be reached, requests get 503, /readyz says why, and it keeps trying. While Nomad can't, jobs are still taken and no pool
// is resized.
//
// It stops in the opposite order: event streams end, requests under way finish, the loops end, Redis is let go of. Drains
// that are in force lapse by themselves.
//
// Several dispatchers may run on the same Redis and Nomad: all of them serve, one of them acts.
package dispatcher
