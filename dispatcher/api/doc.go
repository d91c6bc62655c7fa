// Package api is the dispatcher's HTTP interface: jobs in, states, events and results out, and what the dispatcher knows
// about pools and machines. Its contract is the OpenAPI document served at /v1/openapi.json; a test holds every answer to it.
//
// Nothing is decided here: jobs belong to package queue, pool sizes to packages scaler and resize. It keeps no state but
// open connections.
//
// # Rules
//
//   - Every error is {"error": {"code", "message", "field"}}; [statusOf] is the one place that maps errors to statuses.
//   - A request is read strictly: unknown fields and query parameters, repeated keys and trailing text are refused, each
//     with the place in the input.
//   - No request can hold the server: bodies, headers, streams and writes are bounded.
//   - An event stream ends with the job's final event, with the client, or with the server, and can be resumed.
package api
