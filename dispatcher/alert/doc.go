// Package alert judges what the dispatcher knows by the built-in rules, keeps the alerts that follow, and tells receivers.
//
// An alert is a rule and a subject: crash_loop of pool "standard". It is pending while its condition holds but has not held
// for the rule's time, then firing, and resolved once the condition no longer holds. What is unknown (Redis or Nomad can't be
// read) neither begins nor ends an alert. One dispatcher of several judges; alerts are kept in Redis, so that another
// one goes on where it stopped, and each shows them.
//
// It measures nothing: facts come from the resize loop and the queue, rules and receivers from [alertfile].
// Prometheus rules for what metrics show of the same are in examples/monitoring.
package alert
