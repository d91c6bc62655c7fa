package compiler

import (
	"slices"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/spec"
)

// policy is what the dispatcher reads of this pool.
func (m *machine) policy(project, revision string) spec.Policy {
	scale := m.pool.Scale
	return spec.Policy{
		Version:      spec.PolicyVersion,
		Pool:         m.pool.Name,
		Project:      project,
		Machine:      m.Name,
		Revision:     revision,
		Wanted:       true,
		Min:          m.pool.Min,
		Max:          m.pool.Max,
		TargetWait:   spec.Duration(scale.TargetWait),
		UpCooldown:   spec.Duration(scale.UpCooldown),
		DownCooldown: spec.Duration(scale.DownCooldown),
		IdleAfter:    spec.Duration(scale.IdleAfter),
		StartTime:    spec.Duration(m.StartTime),
		Workers:      m.offers(),
	}
}

// offers are the workers without their settings, which are between the profile and the agent.
func (m *machine) offers() []spec.Worker {
	list := slices.Clone(m.workers)
	for i := range list {
		list[i].Settings = nil
	}
	return list
}

// scalingBlock carries a policy. It is disabled so that an autoscaler in the same cluster leaves the group alone; the
// scale endpoint works all the same. Its minimum is 0 so that a group which is no longer wanted can be emptied.
func scalingBlock(p spec.Policy, limit int) (*nomad.ScalingPolicy, error) {
	doc, err := p.Map()
	if err != nil {
		return nil, err
	}
	return &nomad.ScalingPolicy{
		Type:    nomad.ScalingPolicyTypeHorizontal,
		Enabled: new(false),
		Min:     new(int64(0)),
		Max:     new(int64(limit)),
		Policy:  doc,
	}, nil
}
