package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
)

// Revision returns the revision that belongs to a canonical group's content, in the form of [Pool.Revision].
func Revision(group *nomad.TaskGroup) string {
	return manifest.Revision(manifest.GroupName("m", revisionOf(group)))
}

// revisionOf hashes a canonical group's content. It leaves out the name, which is made from the hash, and count and
// scaling block, which can change without a change of the machine.
func revisionOf(group *nomad.TaskGroup) string {
	g := *group
	g.Name, g.Count, g.Scaling = nil, nil, nil
	// Marshalling a struct of plain data can't fail, and encoding/json writes maps in order of their keys.
	b, err := json.Marshal(&g)
	if err != nil {
		panic("compiler: task group does not encode: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
