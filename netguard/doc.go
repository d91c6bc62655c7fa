// Package netguard makes HTTP requests to addresses that other people chose, such as a webhook's URL, without letting them
// reach the network that the program itself is in.
//
// An address is judged after its name was resolved, immediately before each connection, so that neither a name that resolves to
// a private address nor one that resolves differently the second time (DNS rebinding) gets through. Only addresses that are
// reachable from the whole Internet are allowed. An operator may allow networks in addition ([Guard.Allow]); the addresses from
// which clouds serve metadata, and with it credentials, are never allowed.
//
// It isn't a firewall: it judges connections made by this package's transport, no others. It neither limits what is sent nor
// reads an answer. The package is a leaf and knows nothing of jobs.
package netguard
