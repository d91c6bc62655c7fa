// Package wire is the server's side of the API's document: an interface with one method for each operation, the routes, and
// the code that reads requests and writes answers. It is made by oapi-codegen; package api implements it. It is apart so that
// the names of the document and those of the server don't meet.
package wire
