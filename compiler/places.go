package compiler

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// A path or an address in a profile is used within a task, which may see other files and hosts than the profile's author.
// Nomad's drivers differ:
//
//   - raw_exec tasks see the host.
//   - exec tasks see a chroot: copies of some system folders, the task's own folders, and mounts.
//   - docker tasks see their image, the task's local, secrets and alloc folders, and mounts. By default, they have a
//     loopback interface of their own.
//
// A path or address that would silently mean something else is an error. One that depends on the configuration of the
// Nomad clients is a warning.

// checkPlaces checks every path and address of the machine. The group must already have all its mounts.
func (m *machine) checkPlaces(g *nomad.TaskGroup) {
	m.checkArtifacts()
	if m.Driver != profile.DriverDocker {
		m.eachProgram(g, m.checkRelative)
	}
	if m.Driver == profile.DriverRawExec {
		return
	}
	agent := taskOf(g, manifest.TaskAgent)
	m.checkResults(agent)
	m.checkQueue(agent)
	m.checkServers(agent)
	if m.Driver == profile.DriverExec {
		m.eachProgram(g, m.checkChroot)
	}
}

func taskOf(g *nomad.TaskGroup, name string) *nomad.Task {
	return g.Tasks[slices.IndexFunc(g.Tasks, func(t *nomad.Task) bool { return t.Name == name })]
}

// surroundings names where a task of the machine runs, for messages.
func (m *machine) surroundings() string {
	if m.Driver == profile.DriverDocker {
		return "the container"
	}
	return "the task's directory"
}

// checkResults refuses a folder for results that ends with the machine, and warns of a store that the agent can't reach.
func (m *machine) checkResults(agent *nomad.Task) {
	text, at := m.agentSetting(manifest.EnvBlobs, m.Agent.Blobs, m.Agent.BlobsAt)
	u, err := url.Parse(text)
	if err != nil {
		return
	}
	if server, err := url.Parse(u.Query().Get("endpoint")); err == nil && u.Scheme == "s3" && m.ownLoopback(agent) && isLoopback(server.Hostname()) && !m.listensInside(server.Port()) {
		m.warn(at, "The store's address is in "+m.loopbackOf(), m.loopbackDetail(server.Hostname()), "Write the address at which the machines reach it"+m.loopbackAdvice()+".")
	}
	if u.Scheme != "file" || u.Path == "" {
		return
	}
	folder := path.Clean(u.Path)
	switch found := mountOf(agent, folder); {
	case found == nil:
		m.fail(at, "Results would stay in "+m.surroundings(), fmt.Sprintf(
			"With the driver %s, %s is a folder in %s. It is deleted with the machine, and only the machine can read it.", m.Driver, folder, m.nature()), fmt.Sprintf(
			"Mount a folder of the host: volume \"results\" { … } with path = %q and read_only = false, for a Nomad host volume with the same path on the host. Or write blobs = \"s3://<bucket>\".", folder))
	case found.readOnly:
		m.fail(at, "Results can't be written", fmt.Sprintf("%s is mounted read-only.", found.path), "Write read_only = false in the volume block.")
	}
}

// nature describes a task's own file system, for messages.
func (m *machine) nature() string {
	if m.Driver == profile.DriverDocker {
		return "the agent's container"
	}
	return "the chroot of the agent's task"
}

// checkQueue checks that the agent can reach the queue from where it runs.
func (m *machine) checkQueue(agent *nomad.Task) {
	text, at := m.agentSetting(manifest.EnvRedis, m.Agent.Redis, m.Agent.RedisAt)
	for _, one := range strings.Split(text, ",") {
		u, err := url.Parse(one)
		switch {
		case err != nil:
		case u.Scheme == "unix":
			if socket := path.Clean(u.Path); mountOf(agent, socket) == nil {
				m.fail(at, "The queue's socket is not in "+m.surroundings(), fmt.Sprintf("With the driver %s, the agent doesn't see the host's %s.", m.Driver, socket), fmt.Sprintf(
					"Mount its folder with a volume block whose path is %q, or write redis = \"redis://<host>:6379\".", path.Dir(socket)))
			}
		case m.ownLoopback(agent) && isLoopback(u.Hostname()) && !m.listensInside(u.Port()):
			m.warn(at, "The queue's address is in "+m.loopbackOf(), m.loopbackDetail(u.Hostname()), "Write the address at which the machines reach Redis"+m.loopbackAdvice()+".")
			return
		}
	}
}

// checkServers does the same for workers whose settings name a server.
func (m *machine) checkServers(agent *nomad.Task) {
	if !m.ownLoopback(agent) {
		return
	}
	for _, w := range m.Workers {
		for _, value := range w.Settings {
			u, err := url.Parse(value)
			if err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ws" || u.Scheme == "wss") && isLoopback(u.Hostname()) && !m.listensInside(u.Port()) {
				m.warn(w.Range, fmt.Sprintf("The server address of worker %q is in %s", w.Name, m.loopbackOf()), m.loopbackDetail(u.Hostname()),
					"Write the address at which the machines reach it"+m.loopbackAdvice()+".")
			}
		}
	}
}

// agentSetting returns the value that the agent uses: a variable of its environment overrides the document's field. It
// returns "" for a secret.
func (m *machine) agentSetting(variable, field string, at hcl.Range) (string, hcl.Range) {
	if _, secret := merged(m.Secrets, m.Agent.Secrets)[variable]; secret {
		return "", at
	}
	if value, set := merged(m.Env, m.Agent.Env)[variable]; set {
		field, at = value, m.Agent.Range
	}
	return profile.Expand(field, nil, ownFolder), at
}

// ownFolder returns the path of one of a task's folders, in a task that doesn't see the host.
func ownFolder(value string) string {
	switch value {
	case profile.NomadAllocDir:
		return "/alloc"
	case profile.NomadTaskDir:
		return "/local"
	case profile.NomadSecretsDir:
		return "/secrets"
	default:
		return value
	}
}

// ownLoopback reports whether the loopback interface that the agent sees is not the host's.
func (m *machine) ownLoopback(agent *nomad.Task) bool {
	_, chosen := agent.Config["network_mode"]
	return m.ownNetwork() || m.Driver == profile.DriverDocker && !chosen
}

// loopbackOf names the owner of the loopback interface that the agent sees, for messages.
func (m *machine) loopbackOf() string {
	if m.ownNetwork() {
		return "the machine's own network"
	}
	return "the agent's own container"
}

func (m *machine) loopbackDetail(host string) string {
	if m.ownNetwork() {
		return fmt.Sprintf("The machine has a network of its own, where %s is not the host, and none of its services listens there.", host)
	}
	return fmt.Sprintf("A container has a loopback interface of its own: only the agent runs at %s, unless the image starts more.", host)
}

func (m *machine) loopbackAdvice() string {
	if m.ownNetwork() {
		return ""
	}
	return ", or nomad { task \"agent\" { config { network_mode = \"host\" } } }"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// listensInside reports whether one of the machine's own services listens on that port of the network they share.
func (m *machine) listensInside(port string) bool {
	return m.ownNetwork() && slices.ContainsFunc(m.Services, func(s *profile.Service) bool {
		return s.ContainerPort > 0 && fmt.Sprint(s.ContainerPort) == port || s.StaticPort > 0 && fmt.Sprint(s.StaticPort) == port
	})
}

// inContainer returns a program's path inside a container. A container starts in its image's directory, not in the task's,
// whose folders are mounted at the root.
func inContainer(command string) string {
	if !strings.HasPrefix(command, "/") && strings.Contains(command, "/") && inTaskFolder(command) {
		return "/" + path.Clean(command)
	}
	return command
}

// eachProgram goes over the programs that the machine's tasks run.
func (m *machine) eachProgram(g *nomad.TaskGroup, check func(at hcl.Range, task *nomad.Task, command string)) {
	check(m.Agent.CommandAt, taskOf(g, manifest.TaskAgent), m.Agent.Command)
	if m.Setup != nil {
		check(m.Setup.Range, taskOf(g, manifest.TaskSetup), m.Setup.Command)
	}
	for _, at := range m.instances {
		if at.gpu <= 0 { // the same for all instances
			check(at.service.Range, taskOf(g, at.name), at.service.Command)
		}
	}
}

// checkChroot warns of a program that an exec task sees only if the clients' configuration includes it.
func (m *machine) checkChroot(at hcl.Range, task *nomad.Task, command string) {
	command = profile.Expand(command, nil, ownFolder)
	if strings.HasPrefix(command, "/") {
		command = path.Clean(command)
	}
	if !strings.HasPrefix(command, "/") || slices.ContainsFunc(chroot(), func(dir string) bool { return below(command, dir) }) || mountOf(task, command) != nil {
		return
	}
	m.warn(at, "The program is outside of the chroot", fmt.Sprintf("A task with the driver exec sees %s and its own folders; %s is in none of them.", strings.Join(hostFolders(), ", "), command),
		"Put it under /usr/local or into a volume, or add its folder to chroot_env in the configuration of the Nomad clients.")
}

// checkRelative refuses a relative path below the task's directory where nothing puts a file. Nomad looks for it in the task's
// folder local, then in the directory itself. A name alone is looked for on the PATH too.
func (m *machine) checkRelative(at hcl.Range, task *nomad.Task, command string) {
	command = profile.Expand(command, nil, ownFolder)
	if strings.HasPrefix(command, "/") || !strings.Contains(command, "/") || inTaskFolder(command) {
		return
	}
	for _, place := range brought(task) {
		if place == "." || below(path.Clean(command), place) || below(path.Join("local", command), place) {
			return
		}
	}
	m.fail(at, fmt.Sprintf("%q is not in the task's directory", command),
		fmt.Sprintf("With the driver %s a relative path starts in the directory of the task, where no artifact puts it.", m.Driver),
		"Write the program's absolute path, its name alone if it is on the PATH, or an artifact block that brings it.")
}

// brought returns the places, below a task's directory, where its artifacts and templates put something.
func brought(t *nomad.Task) []string {
	var out []string
	for _, a := range t.Artifacts {
		place := "local"
		if a.RelativeDest != nil && *a.RelativeDest != "" {
			place = path.Clean(*a.RelativeDest)
		}
		out = append(out, place)
	}
	for _, tmpl := range t.Templates {
		if tmpl.DestPath != nil {
			out = append(out, path.Clean(*tmpl.DestPath))
		}
	}
	return out
}

// hostFolders returns the host's folders that exec tasks see by default; a client's chroot_env replaces them.
func hostFolders() []string {
	return []string{"/bin", "/etc", "/lib", "/lib32", "/lib64", "/run/resolvconf", "/sbin", "/usr"}
}

func chroot() []string {
	return append(hostFolders(), "/alloc", "/local", "/secrets")
}

func below(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
