package compiler

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/profile"
)

// checkArtifacts refuses artifacts that Nomad can't fetch, or that it would put where the task doesn't see them.
func (m *machine) checkArtifacts() {
	if m.Agent.Artifact != "" && isLocal(m.Agent.Artifact) {
		m.failLocal(m.Agent.ArtifactAt)
	}
	var lists [][]*profile.Artifact
	if m.Setup != nil {
		lists = append(lists, m.Setup.Artifacts)
	}
	for _, s := range m.Services {
		lists = append(lists, s.Artifacts)
	}
	for _, a := range slices.Concat(lists...) {
		if isLocal(a.Source) {
			m.failLocal(a.Range)
		}
		if !reaches(m.Driver, a.Destination) {
			m.fail(a.Range, "The container doesn't see the artifact", fmt.Sprintf("A container sees the task's folders local and secrets, and %q is in neither.", a.Destination), fmt.Sprintf(
				"Write destination = %q, which is %q in the container.", path.Join("local", a.Destination), path.Join("/local", a.Destination)))
		}
	}
}

// Arrives reports whether Nomad can fetch an artifact, and its task then sees it.
func Arrives(driver profile.Driver, source, destination string) bool {
	return !isLocal(source) && reaches(driver, destination)
}

// reaches reports whether a task sees an artifact that is fetched to destination.
func reaches(driver profile.Driver, destination string) bool {
	return driver != profile.DriverDocker || inTaskFolder(destination)
}

// isLocal reports whether an artifact's source is a path, which Nomad's clients refuse to fetch.
func isLocal(source string) bool {
	return strings.HasPrefix(source, "file:") || strings.HasPrefix(source, "/") || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

func (m *machine) failLocal(at hcl.Range) {
	advice := "Put it into the image, or into a volume."
	switch m.Driver {
	case profile.DriverRawExec:
		advice = "Write its path on the host as the command."
	case profile.DriverExec:
		advice = "Put it into a volume, or under /usr/local on the host."
	}
	m.fail(at, "Nomad can't fetch artifacts from the host", "Artifacts are fetched over the network; Nomad's clients refuse paths and file:// URLs.", advice)
}

// inTaskFolder reports whether a path is in one of the task's folders that its container sees.
func inTaskFolder(name string) bool {
	first, _, _ := strings.Cut(path.Clean(name), "/")
	return first == "local" || first == "secrets"
}
