// Package pluginpb is the wire format between a Nomad client and its device plugins: messages and services generated
// from base.proto and device.proto. Only those two files and this one are written by hand.
//
// To regenerate it: protoc --go_out=. --go-grpc_out=. --go_opt=paths=source_relative
// --go-grpc_opt=paths=source_relative base.proto device.proto (protoc 3.15 or newer, protoc-gen-go,
// protoc-gen-go-grpc).
package pluginpb
