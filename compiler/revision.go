package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
)

// Revision is the revision that a canonical group's content makes, as a [Pool] has it.
func Revision(group *nomad.TaskGroup) string {
	return manifest.Revision(manifest.GroupName("m", revisionOf(group)))
}

// revisionOf hashes a canonical group's content. Name, count and scaling block are left out: the name is made from the
// hash, and the other two change without making another machine of it.
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
