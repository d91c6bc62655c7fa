// Package compat tests that programs of this release work with those of the former one: an agent of either release under
// today's dispatcher, with a Nomad job that the compiler of either release has made. Machines keep their agent for as long as
// they run, so both meet in every upgrade.
//
// The former release is built from the repository's own history. Where there is none, or no Go, its tests are skipped and
// report what is missing. Data that a former release left in Redis is covered by package queue's tests.
package compat
