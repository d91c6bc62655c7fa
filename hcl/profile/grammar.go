package profile

import (
	"slices"

	"github.com/emprops/machinectl/hcl/manifest"
)

// This file is the grammar: every block and argument of the language, in the order in which people should write them.
// Checks that concern more than one argument are in the files named after the block.

// language returns the outermost level of the grammar: what a profile file may contain.
func language() *block {
	return &block{name: "profile", blocks: []*block{projectBlock(), variableBlock(), localsBlock(), environmentBlock(), moduleBlock(), machineBlock(), poolBlock()}}
}

func projectBlock() *block {
	return &block{
		name: "project", label: "name", single: true,
		doc: "Who owns the pools: apply and -prune of profiles with another project, or with none, leave them alone. At most one in a profile, and none in a module.",
	}
}

func variableBlock() *block {
	return &block{
		name: "variable", label: "name", doc: "An input: var.<name>.",
		args: []argument{
			{name: "type", literal: true, fallback: "any", doc: "Type expression: string, number, bool, list(string), object({…}) with optional()."},
			{name: "default", literal: true, doc: "Constant used when nothing else gives a value. Without it a value must be given."},
			{name: "description", literal: true, doc: "What it is for."},
			{name: "sensitive", literal: true, fallback: "false", doc: "Show its value nowhere, nor what is made of it; refuse it where it would show."},
		},
		blocks: []*block{{
			name: "validation", many: true, doc: "A condition on the value.",
			args: []argument{
				{name: "condition", literal: true, required: true, doc: "Expression over var.<name>; must be true."},
				{name: "error_message", literal: true, required: true, doc: "What is wrong, when it isn't."},
			},
		}},
	}
}

func localsBlock() *block {
	return &block{name: "locals", many: true, doc: "Named values: local.<name>. Any argument."}
}

func environmentBlock() *block {
	return &block{
		name: "environment", label: "name", anyLabel: true, doc: "An environment variable that the profile depends on: env(\"<name>\").",
		args: []argument{
			{name: "default", literal: true, doc: "What applies when it isn't set. Without it, it must be set."},
			{name: "description", literal: true, doc: "What it is for."},
			{name: "sensitive", literal: true, fallback: "false", doc: "Show its value nowhere, nor what is made of it; refuse it where it would show."},
		},
	}
}

func moduleBlock() *block {
	return &block{
		name: "module", label: "name", doc: "A directory of profile files, used with values of its own. Its machines and pools are named <module>-<name>; here its machines are module.<name>.machine.<name>.",
		args: []argument{
			{name: "source", literal: true, required: true, doc: "The directory, relative to this file: ./ or ../. A constant."},
			{name: "inputs", literal: true, doc: "A map of values for its variables."},
		},
	}
}

// dynamicBlock makes blocks of another kind. It may stand wherever such a block may, within machines and pools.
func dynamicBlock() *block {
	return &block{
		name: "dynamic", label: "kind", anyLabel: true, doc: "Makes one block of that kind per item of a list or map.",
		args: []argument{
			{name: "for_each", literal: true, required: true, doc: "List or map. In content, an item is <kind>.key and <kind>.value."},
			{name: "iterator", literal: true, unless: "the kind", doc: "Another name for the item, without quotes."},
			{name: "labels", literal: true, doc: "The names of the blocks: [\"…\"]."},
		},
		blocks: []*block{{name: "content", open: true, doc: "The block's arguments and blocks."}},
	}
}

func forEachArgument() argument {
	return argument{name: "for_each", literal: true, doc: "List of strings or map: one block per item, named <name>-<key>; each.key and each.value in it."}
}

func machineBlock() *block {
	return &block{
		name: "machine", label: "name", doc: "What one machine consists of.",
		args: []argument{
			{name: "kind", typ: typeString, required: true, oneOf: []string{string(KindGPU), string(KindAPI), string(KindHybrid)}, doc: "What it is for."},
			forEachArgument(),
			{name: "extends", typ: typeMachine, doc: "Another machine, whose arguments and blocks this one inherits."},
			{name: "driver", typ: typeString, fallback: string(DriverDocker), oneOf: []string{string(DriverDocker), string(DriverExec), string(DriverRawExec)}, doc: "Nomad task driver of its tasks."},
			{name: "image", typ: typeString, hides: true, drivers: []Driver{DriverDocker}, doc: "Container image; needed by the docker driver and by no other."},
			{name: "start_time", typ: typeDuration, fallback: "60s", doc: "Guess of a cold start, until one has been measured."},
			{name: "env", typ: typeEnv, hides: true, runtime: runtimeNomad, doc: "Environment of every task."},
		},
		blocks: []*block{
			resourcesBlock("What all tasks of the machine get together.", true),
			gpuBlock(), volumeBlock(), networkBlock(), setupBlock(), agentBlock(), serviceBlock(), workerBlock(),
			rescheduleBlock(), disconnectBlock(), logsBlock("How each task's output is kept."), nomadBlock(false),
		},
	}
}

func resourcesBlock(doc string, machine bool) *block {
	b := &block{
		name: "resources", doc: doc,
		args: []argument{
			{name: "cpu", typ: typeInt, min: 1, max: 10_000_000, doc: "MHz. Either this or cores."},
			{name: "cores", typ: typeInt, min: 1, max: 10_000, doc: "Whole reserved cores. Either this or cpu."},
			{name: "memory", typ: typeSize, min: 1, max: 24 << 20, required: machine, doc: "Memory."},
		},
	}
	if machine {
		b.args = append(b.args, argument{name: "disk", typ: typeSize, unless: "Nomad's default, 300 MiB", doc: "Ephemeral disk."})
	}
	return b
}

// agentResourcesBlock returns the resources block of an agent. Its defaults are what an agent beside services needs.
func agentResourcesBlock() *block {
	b := resourcesBlock("What it gets beside services. A machine without services is all the agent's.", false)
	b.arg("cpu").fallback, b.arg("memory").fallback = "100", "128MiB"
	return b
}

func gpuBlock() *block {
	return &block{
		name: "gpu", doc: "The GPUs it needs. Each goes to one instance of a service with per = \"gpu\".",
		args: []argument{
			{name: "count", typ: typeInt, max: 64, fallback: "1", doc: "How many. 0: the machine's CPU-only form, in which a service per GPU has one instance without any."},
			{name: "model", typ: typeString, doc: "The device's model as Nomad shows it, such as \"NVIDIA GeForce RTX 4090\"."},
			{name: "models", typ: typeStrings, doc: "Several acceptable models, the preferred one first. Either this or model."},
			{name: "mig", typ: typeString, doc: "Profile of a MIG slice, such as \"3g.47gb\": each GPU is such a slice."},
			{name: "memory", typ: typeSize, min: 64, max: 4 << 20, doc: "Nominal memory of each GPU, such as \"24GiB\": the least that will do."},
			{name: "driver", typ: typeString, doc: "Version constraint on the GPU driver, such as \">= 550\"."},
			{name: "device", typ: typeString, fallback: "nvidia/gpu", doc: "Nomad device name."},
		},
		blocks: []*block{
			constraintBlock("A Nomad constraint on the device.", "Device attribute, such as \"device.attr.memory_clock\".", deviceOperators()),
			affinityBlock("What is preferred among acceptable devices.", "Device attribute, such as \"device.model\"."),
		},
	}
}

func setupBlock() *block {
	return &block{
		name: "setup", doc: "The shared-setup task: runs once, before the others start.",
		args: []argument{
			{name: "command", typ: typeString, hides: true, required: true, runtime: runtimeNomad, doc: "Program."},
			{name: "args", typ: typeStrings, hides: true, runtime: runtimeNomad, doc: "Its arguments."},
			{name: "env", typ: typeEnv, hides: true, runtime: runtimeNomad, doc: "Its environment."},
			{name: "timeout", typ: typeDuration, fallback: "10m", doc: "How long it may take."},
		},
		blocks: []*block{resourcesBlock("What it gets.", false), artifactBlock(), restartBlock("2", "30m", "5s")},
	}
}

func agentBlock() *block {
	return &block{
		name: "agent", doc: "The agent's own part of the machine.",
		args: []argument{
			{name: "command", typ: typeString, hides: true, fallback: DefaultAgentCommand, runtime: runtimeNomad, doc: "Path of the agent's binary on the image or the host; with artifact, below the task's directory."},
			{name: "args", typ: typeStrings, hides: true, runtime: runtimeNomad, doc: "Arguments before the agent's own."},
			{name: "artifact", typ: typeString, hides: true, doc: "URL to fetch the binary from."},
			{name: "redis", typ: typeString, hides: true, doc: "URL of the queue: redis://host:port/db, rediss:// with TLS, unix:///socket; several, joined by commas, are a cluster. " + redisParameters() + " MACHINE_REDIS_URL in env wins over it."},
			{name: "blobs", typ: typeString, hides: true, doc: "URL of the store for results, such as file:///srv/blobs or s3://bucket; a folder that the task sees of the host: with docker and exec, in a volume. MACHINE_BLOB_URL in env wins over it."},
			{name: "grace", typ: typeDuration, fallback: "25s", doc: "How long a stopping agent goes on finishing jobs before it gives them back."},
			{name: "env", typ: typeEnv, hides: true, runtime: runtimeNomad, doc: "Its environment."},
		},
		blocks: []*block{agentResourcesBlock(), restartBlock("5", "10m", "1s")},
	}
}

func serviceBlock() *block {
	b := &block{
		name: "service", label: "name", doc: "A process kept up for the workers.",
		args: []argument{
			{name: "per", typ: typeString, fallback: "machine", oneOf: []string{"machine", "gpu"}, doc: "One instance per machine, or one per GPU."},
			{name: "port", typ: typeString, doc: "Label of the port it listens on, such as \"http\". The number is dynamic: self.port."},
			{name: "static_port", typ: typeInt, min: 1, max: 65535, unless: "chosen by Nomad", doc: "The port's number on the host. Two such machines can't share a host."},
			{name: "container_port", typ: typeInt, min: 1, max: 65535, unless: "the same as on the host", doc: "The port's number in the container or the machine's own network, for a program whose port can't be set."},
			{name: "image", typ: typeString, hides: true, drivers: []Driver{DriverDocker}, unless: "the machine's", doc: "Container image; docker only."},
			{name: "command", typ: typeString, hides: true, runtime: runtimeSelf, doc: "Program; optional with docker, where the image may have a default."},
			{name: "args", typ: typeStrings, hides: true, runtime: runtimeSelf, doc: "Its arguments."},
			{name: "env", typ: typeEnv, hides: true, runtime: runtimeSelf, doc: "Its environment."},
			{name: "kill_timeout", typ: typeDuration, fallback: "10s", doc: "How long it may take to end before it is killed."},
			{name: "kill_signal", typ: typeString, fallback: "SIGTERM", oneOf: []string{"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL"}, doc: "Signal that asks it to end."},
		},
		blocks: []*block{
			{
				name: "ready", doc: "How to find out over HTTP that it is up.",
				args: []argument{
					{name: "path", typ: typeString, hides: true, fallback: "/", doc: "Answers 2xx when it is up."},
					{name: "interval", typ: typeDuration, fallback: "5s", doc: "How often to ask."},
					{name: "timeout", typ: typeDuration, fallback: "3s", doc: "How long to wait for the answer."},
				},
			},
			resourcesBlock("What one instance gets; default an equal share of what the machine has left.", false),
			artifactBlock(), restartBlock("5", "10m", "3s"), logsBlock("How its output is kept; default: the machine's logs block."),
		},
	}
	b.args = append(b.args, driverArguments()...)
	return b
}

func workerBlock() *block {
	return &block{
		name: "worker", label: "name", doc: "Claim loops of one connector.",
		args: []argument{
			{name: "connector", typ: typeString, required: true, oneOf: connectors(true), planned: connectors(false), doc: "How jobs are run, and the type of the jobs."},
			{name: "service", typ: typeString, doc: "Name of a service of this machine: one worker per instance."},
			{name: "concurrency", typ: typeInt, min: 1, max: 1000, fallback: "1", doc: "Jobs at once per worker."},
			{name: "count", typ: typeInt, min: 1, max: 1000, fallback: "1", doc: "Workers, where there is no service."},
			{name: "capabilities", typ: typeFlags, doc: "Flags it offers beside those that follow from the machine."},
			{name: "offers", typ: typeAttrs, doc: "Valued capabilities it offers."},
			{name: "settings", typ: typeSettings, hides: true, doc: "The connector's own; see [connectors](#connectors)."},
		},
	}
}

func poolBlock() *block {
	return &block{
		name: "pool", label: "name", doc: "Which machine, how many, where, and how they are scaled.",
		args: []argument{
			{name: "machine", typ: typeMachine, required: true, doc: "Which machine."},
			forEachArgument(),
			{name: "priority", typ: typeInt, min: 1, max: 100, fallback: "50", doc: "Nomad priority."},
		},
		blocks: []*block{
			{
				name: "size", doc: "The bounds of its size.",
				args: []argument{
					{name: "min", typ: typeInt, fallback: "0", doc: "Machines it always has."},
					{name: "max", typ: typeInt, required: true, min: 1, max: 100_000, doc: "Machines it has at most. While a rollout replaces them, there may be one more."},
				},
			},
			{
				name: "scale", doc: "How the size follows demand.",
				args: []argument{
					{name: "target_wait", typ: typeDuration, fallback: "30s", doc: "How long a job may wait before the pool should be larger."},
					{name: "up_cooldown", typ: typeDuration, zero: true, fallback: "10s", doc: "Least time between two enlargements."},
					{name: "down_cooldown", typ: typeDuration, zero: true, fallback: "60s", doc: "Least time between two reductions."},
					{name: "idle_after", typ: typeDuration, zero: true, fallback: "2m", doc: "How long a machine must have been idle before it may be taken away."},
				},
			},
			{
				name: "placement", doc: "Where its machines may run.",
				args: []argument{
					{name: "region", typ: typeString, doc: "Nomad region."},
					{name: "namespace", typ: typeString, doc: "Nomad namespace."},
					{name: "node_pool", typ: typeString, doc: "Nomad node pool."},
					{name: "datacenters", typ: typeStrings, fallback: "[\"*\"]", doc: "Nomad datacenters; * is a wildcard."},
					{name: "spread", typ: typeString, doc: "Node attribute to spread over, such as \"node.unique.id\"."},
				},
				blocks: []*block{
					constraintBlock("A Nomad constraint.", "Node attribute, such as \"attr.cpu.arch\" or \"meta.rack\".", nodeOperators()),
					affinityBlock("What is preferred.", "Node attribute, such as \"node.class\"."),
					spreadBlock(),
				},
			},
			overrideBlock(), nomadBlock(true),
		},
	}
}

// overrideBlock returns a machine block without the parts that make it a machine of its own.
func overrideBlock() *block {
	b := machineBlock()
	b.name, b.label, b.doc = "override", "", "How this pool's machines differ from the machine block, by the rules of extends."
	b.args = slices.DeleteFunc(b.args, func(a argument) bool { return a.name == "extends" || a.name == "for_each" })
	for i := range b.args {
		b.args[i].required = false
		if b.args[i].fallback != "" {
			b.args[i].fallback, b.args[i].unless = "", "the machine's"
		}
	}
	return b
}

// connectors returns the names of the connectors that are implemented, or of those that are planned.
func connectors(implemented bool) []string {
	var names []string
	for _, c := range manifest.Connectors() {
		if c.Implemented == implemented {
			names = append(names, c.Name)
		}
	}
	return names
}
