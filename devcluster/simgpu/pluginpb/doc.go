// Package pluginpb is the wire format between a Nomad client and its device plugins: messages and services generated from
// base.proto and device.proto. Nothing in here is written by hand but this file and those two.
//
// To generate it again: protoc --go_out=. --go-grpc_out=. --go_opt=paths=source_relative
// --go-grpc_opt=paths=source_relative base.proto device.proto (protoc 3.15 or newer, protoc-gen-go, protoc-gen-go-grpc).
package pluginpb
