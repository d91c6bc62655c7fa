package plan

import (
	"fmt"

	nomad "github.com/hashicorp/nomad/api"
)

// ForeignError reports that a pool belongs to another project than the profile.
type ForeignError struct {
	Pool    string `json:"pool"`
	Place   Place  `json:"place"`
	Owner   string `json:"owner"`
	Project string `json:"project,omitempty"` // the profile's project, or empty
	advice  string
}

func (e *ForeignError) Error() string {
	if e.Project == "" {
		return fmt.Sprintf("pool %q: it belongs to project %q, and this profile names no project: write project %q {} in the profile if that is its project, %s",
			e.Pool, e.Owner, e.Owner, e.advice)
	}
	return fmt.Sprintf("pool %q: it belongs to project %q, and this profile is project %q: %s", e.Pool, e.Owner, e.Project, e.advice)
}

// checkOwner refuses a pool that belongs to another project. It accepts a pool that belongs to none.
func checkOwner(pool string, at Place, owner, project, advice string) error {
	if owner == "" || owner == project {
		return nil
	}
	return &ForeignError{Pool: pool, Place: at, Owner: owner, Project: project, advice: advice}
}

// CheckOwner refuses to stop a pool that belongs to another project than the profile that names it.
func (s *State) CheckOwner(project string) error {
	return checkOwner(s.Pool, s.Place, s.Project, project, "name the pool itself to stop it, or use -adopt")
}

// Foreign returns every [ForeignError] in an error's tree.
func Foreign(err error) []*ForeignError {
	switch e := err.(type) { //nolint:errorlint // it visits each error of the tree
	case *ForeignError:
		return []*ForeignError{e}
	case interface{ Unwrap() error }:
		return Foreign(e.Unwrap())
	case interface{ Unwrap() []error }:
		var list []*ForeignError
		for _, inner := range e.Unwrap() {
			list = append(list, Foreign(inner)...)
		}
		return list
	default:
		return nil
	}
}

// adopts reports whether applying takes over the pool from another project.
func (p *Pool) adopts() bool { return p.Owner != "" && p.Owner != p.Project }

// Owner returns the project that a pool's job belongs to, or "". It is the wanted group's project, or another group's if
// none is wanted.
func Owner(job *nomad.Job) string {
	owner := ""
	for _, g := range job.TaskGroups {
		policy, ours, err := policyOf(g)
		switch {
		case err != nil || !ours:
		case policy.Wanted:
			return policy.Project
		case owner == "":
			owner = policy.Project
		}
	}
	return owner
}
