// Package dispatcher is the machine-dispatcher: it accepts jobs over HTTP (package api), returns lost ones to the queue,
// and keeps the pools at the size that their jobs need (packages scaler, rollout, resize, on top of fleet).
//
// It runs no jobs, and it holds nothing that a restart would lose: jobs are in Redis, what should run is in Nomad.
//
// # Start and stop
//
// [Run] listens first, so that a taken port fails immediately; then everything starts at the same time. While Redis can't
// be reached, requests get 503, /readyz explains why, and the dispatcher keeps trying. While Nomad can't be reached, jobs
// are still accepted, and no pool is resized.
//
// It stops in the opposite order: event streams end, requests in progress finish, the loops end, the Redis client is
// closed. Drains that are in force lapse by themselves.
//
// Several dispatchers may run on the same Redis and Nomad: all of them serve the API, one of them resizes pools.
package dispatcher
