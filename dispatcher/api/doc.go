// Package api is the dispatcher's HTTP interface: jobs in, states, events and results out, and what the dispatcher knows
// about pools and machines.
//
// Its contract is openapi.yaml, served at /v1/openapi.json: the server interface, the types (package client) and the
// validation of requests are made from it, and it names the role that each operation needs (x-role). Tests hold every answer
// to it. To add an operation, describe it there, run make generate and implement the method that [Server] then lacks.
//
// Nothing is decided here: jobs belong to package queue, pool sizes to packages scaler and resize. It keeps no state but
// open connections.
//
// # Rules
//
//   - Every error is a problem (RFC 9457); problemOf is the one place that makes them.
//   - A request is read strictly: unknown fields and query parameters, repeated keys and trailing text are refused, each
//     with the place in the input.
//   - No request can hold the server: bodies, headers, streams and writes are bounded.
//   - An event stream ends with the job's final event, with the client, or with the server, and can be resumed.
package api
