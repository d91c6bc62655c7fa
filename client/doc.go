// Package client is the Go client of the dispatcher's API: its types, and a [Client] to submit jobs, follow them and operate
// pools and machines.
//
// The types and the plain requests are made from the API's document (dispatcher/api/openapi.yaml) by oapi-codegen; the server
// uses the same types. Parameters and results are raw JSON, so that large integers stay exact.
package client
