package queue

import "strings"

// keys builds every key and channel name. A type's keys share the hash tag {type}, so that they lie in one slot of a Redis
// Cluster; what doesn't belong to a type has the tag {_}. The scripts' own key names (scripts/*.lua, "KEYS:") are the shard's.
type keys struct{ prefix string }

// noType is the hash tag of what doesn't belong to a type.
const noType = "_"

// shard returns one of a type's fixed keys. lib_index.lua and lib_record.lua describe what they hold.
func (k keys) shard(jobType, name string) string {
	return k.prefix + ":{" + jobType + "}:" + name
}

// details returns the key of the hash with a job's progress, result, error and ended attempts. The hash exists if the job has
// any of them.
func (k keys) details(id string) string { return k.shard(typeOf(id), "info:"+id) }

// wake returns the key of the list from which a waiting worker pops.
func (k keys) wake(jobType, worker string) string { return k.shard(jobType, "wake:"+worker) }

// events returns the name of the channel of a type's events, one message per script call with one line per event.
func (k keys) events(jobType string) string { return k.shard(jobType, "ev") }

// allEvents returns the pattern of every type's channel.
func (k keys) allEvents() string { return k.prefix + ":{*}:ev" }

// cancels returns the name of the channel of a machine's cancelled jobs.
func (k keys) cancels(machine string) string { return k.prefix + ":cancel:" + machine }

// types returns the key of the set of job types that were ever used: the shards.
func (k keys) types() string { return k.shard(noType, "types") }

// idempotency returns the key of the hash of all idempotency keys: "<tenant>\t<key>" → the id of its job.
func (k keys) idempotency() string { return k.shard(noType, "idem") }

// format returns the key of the version of the data's layout.
func (k keys) format() string { return k.shard(noType, "format") }

// machines holds the machines' reports, and machinesTill until when they are valid.
func (k keys) machines() string     { return k.shard(noType, "machines") }
func (k keys) machinesTill() string { return k.shard(noType, "machinestill") }

// fleetDrain exists while the dispatcher drains a machine. Workers that register later copy it to their shard.
func (k keys) fleetDrain(machine string) string { return k.shard(noType, "drain:"+machine) }

// lead holds the leader of a task.
func (k keys) lead(task string) string { return k.shard(noType, "lead:"+task) }

// decisions is the list of a pool's last decisions, pools what the leader observes, and poolOrders the hash of operators'
// orders: "<kind> <pool>" → order.
func (k keys) decisions(pool string) string { return k.shard(noType, "decisions:"+pool) }
func (k keys) pools() string                { return k.shard(noType, "pools") }
func (k keys) poolOrders() string           { return k.shard(noType, "poolorders") }

// hookQueue returns the key that holds when deliveries of a type's webhooks to one host are due.
func (k keys) hookQueue(jobType, host string) string { return k.shard(jobType, "hookq:"+host) }

// webhookSecrets returns the key that holds the secrets that sign webhooks. Only dispatchers may read it.
func (k keys) webhookSecrets() string { return k.shard(noType, "webhook:secrets") }

// disabledEndpoints returns the key that holds the URLs that nothing is delivered to, by the time since when.
func (k keys) disabledEndpoints() string { return k.shard(noType, "webhook:disabled") }

// operatorDrain returns the same for an operator drain. Its name in Redis is older than that term.
func (k keys) operatorDrain(machine string) string { return k.prefix + ":{_}:persondrain:" + machine }

// status returns the name of the channel of the machines' reports.
func (k keys) status() string {
	if k.prefix == defaultPrefix {
		return "machine:status"
	}
	return k.prefix + ":machine:status"
}

// typeOf returns the job type in a job's id, "<type>-<ulid>", or "" if id isn't one.
func typeOf(id string) string {
	t, _, ok := strings.Cut(id, "-")
	if !ok {
		return ""
	}
	return t
}

// TypeOf returns the type of a job with this id, or "" if it isn't an id.
func TypeOf(id string) string { return typeOf(id) }
