package manifest

import (
	"encoding/json"
	"fmt"

	"github.com/emprops/machinectl/hcl/wiretime"
)

// PolicyVersion is the version of the [Policy] document this code writes and reads. What may be added within it: see
// [AgentVersion].
const PolicyVersion = 1

// Policy is what a task group's scaling block carries for the dispatcher. It is the one place where the dispatcher finds
// pools: nothing else about them is stored anywhere. Changing it alters no allocation.
type Policy struct {
	Version int    `json:"version"`
	Pool    string `json:"pool"`
	// Project owns the pool. It is empty if the profile names none, or if an earlier release wrote the policy.
	Project string `json:"project,omitempty"`
	Machine string `json:"machine"`
	// Revision is the group's, eight hexadecimal digits; Wanted reports whether the pool should end on this group.
	// Exactly one group of a pool is wanted; the others are drained and removed by the dispatcher.
	Revision string `json:"revision"`
	Wanted   bool   `json:"wanted"`
	// Min and Max bound the pool's machines over all its groups (the Nomad scaling block's own bounds are the group's:
	// minimum 0, so that an old group can go away).
	Min int `json:"min"`
	Max int `json:"max"`
	// TargetWait is how long a job may wait before the pool should be larger.
	TargetWait wiretime.Duration `json:"target_wait"`
	// UpCooldown and DownCooldown are the least times between two resizes in that direction.
	UpCooldown   wiretime.Duration `json:"up_cooldown"`
	DownCooldown wiretime.Duration `json:"down_cooldown"`
	// IdleAfter is how long a machine must have been idle before it may be taken away.
	IdleAfter wiretime.Duration `json:"idle_after"`
	// StartTime is the profile's guess of a cold start, used until one has been measured.
	StartTime wiretime.Duration `json:"start_time"`
	// Workers are what one machine of this group offers, so that a pool without machines can be matched with demand.
	Workers []Worker `json:"workers"`
	// Compiler is the version of machinectl that compiled the group, Input a digest of what it compiled. Both are empty if
	// an earlier release wrote the policy.
	Compiler string `json:"compiler,omitempty"`
	Input    string `json:"input,omitempty"`
	// Sensitive lists the places in the group whose values must not be shown, named as in a plan. The values are in the
	// group, but nothing there marks them as sensitive. A list of plain values is followed by those of its items that must
	// not be shown, such as "agent: args" by "agent: args [1]"; if none is, all of them are meant.
	Sensitive []string `json:"sensitive,omitempty"`
}

// Map encodes the policy as the map that goes into a Nomad scaling block.
func (p Policy) Map() (map[string]any, error) {
	p.Version = PolicyVersion
	b, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("scaling policy: %w", err)
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("scaling policy: %w", err)
	}
	return map[string]any{PolicyKey: doc}, nil
}

// ParsePolicy reads a [Policy] from a scaling block's map. ok is false if the block isn't ours. Nomad's parser of job
// files turns an object in that map into a list with one item; such a list is read too.
func ParsePolicy(m map[string]any) (p Policy, ok bool, err error) {
	doc, ok := m[PolicyKey]
	if !ok {
		return Policy{}, false, nil
	}
	if list, isList := doc.([]any); isList && len(list) == 1 {
		doc = list[0]
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return Policy{}, true, fmt.Errorf("scaling policy: %w", err)
	}
	if err := checkVersion("scaling policy", b, PolicyVersion, "this program"); err != nil {
		return Policy{}, true, err
	}
	if err := decode("scaling policy", b, &p); err != nil {
		return Policy{}, true, err
	}
	return p, true, nil
}
