package compiler

import (
	"slices"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
)

// policy returns what the dispatcher reads about this pool.
func (m *machine) policy(project, revision string) manifest.Policy {
	scale := m.pool.Scale
	return manifest.Policy{
		Version:      manifest.PolicyVersion,
		Pool:         m.pool.Name,
		Project:      project,
		Machine:      m.Name,
		Revision:     revision,
		Wanted:       true,
		Min:          m.pool.Min,
		Max:          m.pool.Max,
		TargetWait:   wiretime.Duration(scale.TargetWait),
		UpCooldown:   wiretime.Duration(scale.UpCooldown),
		DownCooldown: wiretime.Duration(scale.DownCooldown),
		IdleAfter:    wiretime.Duration(scale.IdleAfter),
		StartTime:    wiretime.Duration(m.StartTime),
		Workers:      m.offers(),
	}
}

// offers returns the workers without their settings, which only the agent needs.
func (m *machine) offers() []manifest.Worker {
	list := slices.Clone(m.workers)
	for i := range list {
		list[i].Settings = nil
	}
	return list
}

// scalingBlock returns a scaling block that carries a policy. It is disabled so that an autoscaler in the same cluster
// leaves the group alone; the scale endpoint works nevertheless. Its minimum is 0 so that a group that is no longer wanted
// can be emptied.
func scalingBlock(p manifest.Policy, limit int) (*nomad.ScalingPolicy, error) {
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
