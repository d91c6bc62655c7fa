package queue

import (
	"slices"
)

// RedisUser is a user of Redis for one kind of program, with the least that it needs.
type RedisUser struct {
	Role  string   `json:"role"`  // agent or dispatcher
	About string   `json:"about"` // which program it is for, and what it can't do
	Rules []string `json:"rules"` // of ACL SETUSER, without a password
}

// RedisUsers returns the users for the keys under a prefix; empty is the default one.
//
// An agent reaches the keys of job types, and of what belongs to no type the few that it shares with the dispatcher. Everything
// else there is the dispatcher's alone: tokens, the audit log, secrets.
func RedisUsers(prefix string) ([]RedisUser, error) {
	o := Options{Prefix: prefix}
	if err := o.validate(); err != nil {
		return nil, err
	}
	k := keys{o.Prefix}
	closed := []string{"on", "resetkeys", "resetchannels", "-@all"}
	agent := []string{
		"~" + k.prefix + ":{[a-z]*", // a type begins with a letter
		"~" + k.types(), "~" + k.format(), "~" + k.machines(), "~" + k.machinesTill(),
		"~" + k.fleetDrain("*"), "~" + k.operatorDrain("*"),
		"&" + k.allEvents(), "&" + k.cancels("*"), "&" + k.status(),
	}
	agent = append(agent, agentCommands()...)
	return []RedisUser{
		{
			Role: "agent", Rules: slices.Concat(closed, agent),
			About: "for the machines' agents (MACHINE_REDIS_URL or redis in a profile): they run jobs, and can't read tokens, secrets or the audit log",
		},
		{
			Role: "dispatcher", Rules: slices.Concat(closed, []string{
				"~" + k.prefix + ":*", "&" + k.prefix + ":*", "&" + k.status(),
				"+@all", "-@admin", "-@dangerous", "+info", "+config|get",
			}),
			About: "for the dispatchers (-redis or MACHINE_REDIS_URL): all keys under the prefix, and no administration of Redis",
		},
	}, nil
}

// agentCommands are the commands that an agent's part of the queue uses: those on the data types, and none that lists, copies
// or renames keys, or shows Redis' settings, among which is a password.
func agentCommands() []string {
	return []string{
		"+@hash", "+@sortedset", "+@set", "+@list", "+@string", "+@stream", "+@pubsub", "+@connection", "+@transaction", "+@scripting",
		"+exists", "+del", "+unlink", "+expire", "+pexpire", "+ttl", "+pttl", "+time", "+cluster|slots", "+cluster|shards",
		"-@dangerous", "-function", "-script|flush", "-script|kill", "-pubsub", "+info",
	}
}
