// Package child starts processes that can't outlive the process that started them, however that one ends.
//
// A [Keeper] owns the child processes of one cluster. Each child and everything it starts carries a mark in its
// environment. A guardian (a small shell script, in a session of its own) waits on a pipe that only the Keeper's
// process holds open: when that process is gone, SIGKILLed or not, the guardian kills all that carries the mark and takes
// away the cluster's scratch folder. [Keeper.Close] does the same in an orderly way.
//
// It does not restart, log or watch anything: that is up to the process that started the child.
//
// On Linux marks are found in /proc/*/environ. Elsewhere the process groups that were started are written to a file and
// killed by number, so a grandchild which made its own group gets away.
package child
