package manifest

import "strings"

// Names and keys by which our Nomad jobs are recognised.
const (
	// PolicyKey is the key of the [Policy] document in a scaling block's map.
	PolicyKey = "machinectl"
	// MetaManaged is the job-level meta key that marks a Nomad job as compiled by machinectl. Its value never changes:
	// a change of job meta replaces every allocation.
	MetaManaged = "machinectl"
	// MetaManagedValue is the value of MetaManaged.
	MetaManagedValue = "pool"
	// TaskAgent and TaskSetup are the names of the tasks that every machine has (the latter only if its profile has a setup block).
	TaskAgent = "agent"
	TaskSetup = "shared-setup"
	// PortAgent is the label of the agent's health port.
	PortAgent = "agent"
	// EnvSpec names the environment variable that holds the path of the [Agent] document.
	EnvSpec = "MACHINE_SPEC"
	// EnvNode names the variable with the Nomad client's name; Nomad sets none of its own.
	EnvNode = "MACHINE_NODE"
	// EnvRedis and EnvBlobs, when set, win over the document's fields.
	EnvRedis = "MACHINE_REDIS_URL"
	EnvBlobs = "MACHINE_BLOB_URL"
	// EnvRedisPrefix names the prefix of the queue's keys. A profile writes it into the URL instead (?prefix=), because an
	// agent of a former release refuses that, and would ignore this.
	EnvRedisPrefix = "MACHINE_REDIS_PREFIX"
)

// GroupName returns the name of the task group of a machine's revision: "<machine>-<first 8 of its hash>".
func GroupName(machine, hash string) string {
	return machine + "-" + hash[:8]
}

// Revision returns the hash in a group name made by [GroupName].
func Revision(group string) string {
	return group[strings.LastIndexByte(group, '-')+1:]
}

// PortLabel returns the Nomad port label of a service instance. Labels may not contain dashes.
func PortLabel(instance string) string {
	return strings.ReplaceAll(instance, "-", "_")
}
