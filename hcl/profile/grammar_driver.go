package profile

// driverArguments returns the arguments of a service that go into the task driver's configuration as they are. A row is all that
// one needs: decoding, checks, schema, reference, compiler and import read it.
func driverArguments() []argument {
	docker := []Driver{DriverDocker}
	list := []argument{
		{name: "shm_size", typ: typeSize, drivers: docker, doc: "Size of /dev/shm, through which processes share memory; docker only."},
		{name: "ulimit", typ: typeSettings, drivers: docker, doc: "Limits of its processes, such as { nofile = \"65536\" }; docker only."},
		{name: "cap_drop", typ: typeStrings, drivers: docker, doc: "Linux capabilities that it does without, such as [\"ALL\"]; docker only."},
		{
			name: "privileged", typ: typeBool, drivers: docker, fallback: "false", doc: "Whether the container is privileged; docker only.",
			caution: "A privileged container can do anything that root can do on the host. Nomad's clients run one only if their configuration allows it.",
		},
	}
	for i := range list {
		list[i].passed = true
	}
	return list
}

// DriverArgument is an argument of a service that goes into the task driver's configuration under its own name.
type DriverArgument struct {
	Name string
	// Zero has the Go type of its values: int, int64 for a size in bytes, bool, string, []string or map[string]string.
	Zero any
}

// DriverArguments returns the arguments that a driver takes.
func DriverArguments(d Driver) []DriverArgument {
	var out []DriverArgument
	for _, a := range driverArguments() {
		if a.takenBy(d) {
			out = append(out, DriverArgument{Name: a.name, Zero: a.typ.zero()})
		}
	}
	return out
}
