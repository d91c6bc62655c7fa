// Package queuetest is the conformance suite of package queue and the redis-server that tests run it against.
//
// [Run] holds for any Redis that the queue may be opened on: the tests of package queue call it with a real server and
// with the embedded one; a new way to reach Redis joins by a few lines. It is not a mock: nothing here stands in for Redis.
package queuetest
