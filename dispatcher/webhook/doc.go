// Package webhook tells receivers on the network that jobs have ended. Requests follow Standard Webhooks
// (https://www.standardwebhooks.com): the headers webhook-id, webhook-timestamp and webhook-signature, the last with one
// signature per secret.
//
// # What is delivered
//
// Each end of a job that was submitted with a webhook is announced: it was completed, failed, is dead, or was cancelled. A start
// is not: it would double the traffic, and a client that needs it follows the job's events. The body refers to the job and contains
// neither its parameters nor its result's data ([Body]).
//
// # How
//
// The queue's outbox is the source (package queue, hook.go): an end that was announced there is delivered at least once, with
// one event id, in the order of the job's ends, or given up. A receiver confirms with any 2xx. Everything else is tried again
// after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, each ±10 %, but not before a Retry-After. After the tenth attempt the
// delivery is given up: that is an event of the job, an error in the log, counted, and listed until somebody requests it again.
// 410 Gone disables the endpoint, which is its URL without a query: everything for it is given up until it is enabled.
//
// Every dispatcher delivers; the queue keeps two of them from making the same attempt. One that dies between an attempt and its
// record leaves the delivery to another one, which makes the attempt again with the same event id.
//
// A host gets few requests at the same time, and only one while it fails, so that one slow host delays no other.
//
// # What is refused
//
// Requests go to public addresses over https, except for networks that the operator allows (package netguard). Redirects aren't
// followed, proxies aren't used, and nothing of an answer but its status is kept.
package webhook
