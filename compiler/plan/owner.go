package plan

import (
	"fmt"

	nomad "github.com/hashicorp/nomad/api"
)

// ForeignError says that a pool belongs to another project than the profile that is about it.
type ForeignError struct {
	Pool    string `json:"pool"`
	Place   Place  `json:"place"`
	Owner   string `json:"owner"`
	Project string `json:"project,omitempty"` // the profile's; empty where it names none
	advice  string
}

func (e *ForeignError) Error() string {
	if e.Project == "" {
		return fmt.Sprintf("pool %q: it belongs to project %q, and this profile names no project: write project %q {} in it if that is its own, %s",
			e.Pool, e.Owner, e.Owner, e.advice)
	}
	return fmt.Sprintf("pool %q: it belongs to project %q, and this profile is project %q: %s", e.Pool, e.Owner, e.Project, e.advice)
}

// checkOwner refuses a pool that belongs to another project. One that belongs to none is anybody's who names it.
func checkOwner(pool string, at Place, owner, project, advice string) error {
	if owner == "" || owner == project {
		return nil
	}
	return &ForeignError{Pool: pool, Place: at, Owner: owner, Project: project, advice: advice}
}

// CheckOwner refuses to stop a pool that belongs to another project than the profile that names it.
func (s *State) CheckOwner(project string) error {
	return checkOwner(s.Pool, s.Place, s.Project, project, "name the pool itself to stop it, or say -adopt")
}

// Foreign are the pools of other projects that an error is about.
func Foreign(err error) []*ForeignError {
	switch e := err.(type) { //nolint:errorlint // each error of the tree is looked at
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

// adopts reports whether applying takes the pool over from another project.
func (p *Pool) adopts() bool { return p.Owner != "" && p.Owner != p.Project }

// Owner is the project that a pool's job belongs to: that of its wanted group, or of any other where none is wanted. Empty
// where there is none.
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
