// Package queuetest is the conformance suite of package queue and the redis-server that tests run it against.
//
// [Run] must pass on any Redis that the queue supports: the tests of package queue call it with a real server and with
// the embedded one, and a new way to reach Redis needs only a few lines. Nothing in this package mocks Redis.
package queuetest
