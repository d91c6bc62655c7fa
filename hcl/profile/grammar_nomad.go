package profile

// Grammar of what is passed on to Nomad: volumes, network, what happens when something fails, placement's preferences,
// and the nomad block.

func volumeBlock() *block {
	return &block{
		name: "volume", label: "name", doc: "Storage that outlives the machine, such as models. Every task of the machine finds it under the same path.",
		args: []argument{
			{name: "type", typ: typeString, fallback: "host", oneOf: []string{"host", "csi"}, doc: "Kind of Nomad volume."},
			{name: "source", typ: typeString, unless: "the volume's name", doc: "Nomad's name of it."},
			{name: "path", typ: typeString, required: true, doc: "Where the tasks find it."},
			{name: "read_only", typ: typeBool, fallback: "true", doc: "Whether it can only be read."},
			{name: "sticky", typ: typeBool, fallback: "false", doc: "A machine that is placed again gets the same volume; host volumes only."},
			{name: "per_machine", typ: typeBool, fallback: "false", doc: "Each machine has its own, named source[index]; CSI only."},
			{name: "access_mode", typ: typeString, oneOf: []string{"single-node-reader-only", "single-node-writer", "multi-node-reader-only", "multi-node-single-writer", "multi-node-multi-writer", "single-node-single-writer", "single-node-multi-writer"}, doc: "Who may use it at once; CSI needs it."},
			{name: "attachment_mode", typ: typeString, oneOf: []string{"file-system", "block-device"}, doc: "How it is attached; CSI needs it."},
			{name: "fs_type", typ: typeString, doc: "File system; CSI only."},
			{name: "mount_flags", typ: typeStrings, doc: "Options of the mount; CSI only."},
		},
	}
}

func artifactBlock() *block {
	return &block{
		name: "artifact", many: true, doc: "Something that is fetched before the task starts.",
		args: []argument{
			{name: "source", typ: typeString, hides: true, required: true, doc: "URL: http, https, git::, s3::, gcs::."},
			{name: "destination", typ: typeString, fallback: "local/", doc: "Where it goes, below the task's directory."},
			{name: "mode", typ: typeString, fallback: "any", oneOf: []string{"any", "file", "dir"}, doc: "Whether the destination is a file or a directory; any: archives are unpacked."},
			{name: "options", typ: typeSettings, hides: true, doc: "The fetcher's options, such as checksum."},
			{name: "headers", typ: typeSettings, hides: true, doc: "HTTP headers."},
		},
	}
}

func networkBlock() *block {
	return &block{
		name: "network", doc: "How the machine's tasks are connected.",
		args: []argument{
			{name: "mode", typ: typeString, fallback: "host", doc: "\"host\": no network of the machine's own. Programs are in the client's network; containers are in Docker's default one, each apart, and their ports are published at the client's address. \"bridge\": one network namespace for all tasks of the machine, behind the client's address. \"cni/<name>\": one that a CNI plugin makes."},
			{name: "hostname", typ: typeString, doc: "Name of the machine in its own network; bridge only."},
		},
		blocks: []*block{{
			name: "dns", doc: "Name resolution in the machine's own network.",
			args: []argument{
				{name: "servers", typ: typeStrings, doc: "Addresses of name servers."},
				{name: "searches", typ: typeStrings, doc: "Search domains."},
				{name: "options", typ: typeStrings, doc: "Resolver options."},
			},
		}},
	}
}

func rescheduleBlock() *block {
	return &block{
		name: "reschedule", doc: "How a machine that failed is placed again, elsewhere.",
		args: []argument{
			{name: "attempts", typ: typeInt, min: 1, unless: "without limit", doc: "How often within interval."},
			{name: "interval", typ: typeDuration, doc: "In which attempts are counted; needed beside attempts."},
			{name: "delay", typ: typeDuration, fallback: "10s", doc: "Pause before the first attempt, at least 5s."},
			{name: "delay_kind", typ: typeString, fallback: "exponential", oneOf: []string{"constant", "exponential", "fibonacci"}, doc: "How the pause grows."},
			{name: "max_delay", typ: typeDuration, fallback: "10m", doc: "The longest pause."},
		},
	}
}

func disconnectBlock() *block {
	return &block{
		name: "disconnect", doc: "What happens to a machine whose Nomad client is out of reach.",
		args: []argument{
			{name: "lost_after", typ: typeDuration, fallback: "5m", doc: "When its place is given up. Either this or stop_after."},
			{name: "stop_after", typ: typeDuration, doc: "When the client itself stops it. Either this or lost_after."},
			{name: "replace", typ: typeBool, fallback: "false", doc: "Whether another machine is started meanwhile."},
			{name: "reconcile", typ: typeString, fallback: "keep_original", oneOf: []string{"keep_original", "keep_replacement", "best_score", "longest_running"}, doc: "Which one stays when it comes back."},
		},
	}
}

func restartBlock(attempts, interval, delay string) *block {
	return &block{
		name: "restart", doc: "How the task is started again, in place, after it ended.",
		args: []argument{
			{name: "attempts", typ: typeInt, fallback: attempts, doc: "How often within interval; 0: never."},
			{name: "interval", typ: typeDuration, fallback: interval, doc: "In which attempts are counted."},
			{name: "delay", typ: typeDuration, fallback: delay, doc: "Pause before it is started again."},
			{name: "mode", typ: typeString, fallback: "fail", oneOf: []string{"fail", "delay"}, doc: "After the last attempt: the machine fails, or the next interval is waited for."},
		},
	}
}

func logsBlock(doc string) *block {
	return &block{
		name: "logs", doc: doc,
		args: []argument{
			{name: "files", typ: typeInt, min: 1, max: 100, fallback: "3", doc: "How many files each of stdout and stderr has at most."},
			{name: "file_size", typ: typeSize, fallback: "10MiB", doc: "When the next file is begun."},
			{name: "disabled", typ: typeBool, fallback: "false", doc: "Keep nothing."},
		},
	}
}

func constraintBlock(doc, attributes string, operators []string) *block {
	return &block{
		name: "constraint", many: true, doc: doc,
		args: []argument{
			{name: "attribute", typ: typeString, doc: attributes},
			{name: "operator", typ: typeString, fallback: "=", oneOf: operators, doc: "Comparison."},
			{name: "value", typ: typeString, doc: "Right-hand side."},
		},
	}
}

func affinityBlock(doc, attributes string) *block {
	return &block{
		name: "affinity", many: true, doc: doc,
		args: []argument{
			{name: "attribute", typ: typeString, required: true, doc: attributes},
			{name: "operator", typ: typeString, fallback: "=", oneOf: affinityOperators(), doc: "Comparison."},
			{name: "value", typ: typeString, required: true, doc: "Right-hand side."},
			{name: "weight", typ: typeInt, min: -100, max: 100, fallback: "50", doc: "How much it is preferred; below 0: avoided."},
		},
	}
}

func spreadBlock() *block {
	return &block{
		name: "spread", many: true, doc: "A spread with a weight or with targets.",
		args: []argument{
			{name: "attribute", typ: typeString, required: true, doc: "Node attribute to spread over."},
			{name: "weight", typ: typeInt, min: 1, max: 100, fallback: "100", doc: "Its weight beside other spreads and affinities."},
		},
		blocks: []*block{{
			name: "target", label: "value", anyLabel: true, doc: "How many of the machines should be where the attribute has this value.",
			args: []argument{{name: "percent", typ: typeInt, min: 1, max: 100, required: true, doc: "How many percent."}},
		}},
	}
}

// nomadBlock gives access to everything in Nomad that the language does not cover.
func nomadBlock(pool bool) *block {
	b := &block{
		name: "nomad", doc: "Parts of a Nomad job in Nomad's syntax, merged last into the compiled job. Strings are in Nomad's syntax too: write $${…} for what Nomad replaces.",
		blocks: []*block{
			{name: "group", open: true, doc: "Merged into the task group. Changing it makes a new revision."},
			{name: "task", label: "name", open: true, doc: "Merged into a task: agent, shared-setup, a service (all of its instances) or one instance. Changing it makes a new revision."},
		},
	}
	if pool {
		b.blocks = append(b.blocks, &block{name: "job", open: true, shown: true, doc: "Merged into the job; only what touches no running machine: ui, priority, all_at_once."})
	}
	return b
}

func affinityOperators() []string {
	return []string{"=", "!=", "<", "<=", ">", ">=", "regexp", "version", "semver", "set_contains", "set_contains_any"}
}

// deviceOperators are the operators of constraints on a device.
func deviceOperators() []string { return append(affinityOperators(), "is_set", "is_not_set") }

// nodeOperators are the operators of constraints on a node. The last two compare the machines of a pool with each other.
func nodeOperators() []string {
	return append(deviceOperators(), "distinct_hosts", "distinct_property")
}
