package fleet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// All stands for every namespace that the token may read, or for every region that Nomad is federated with.
const All = "*"

// Where selects the places whose pools a [Client] reads. A Nomad token may read less.
type Where struct {
	Regions    []string `json:"regions,omitempty"`    // empty: the region of the Nomad agent that answers
	Namespaces []string `json:"namespaces,omitempty"` // empty: all
}

// Includes reports whether a namespace of a region is selected. It takes the region of the Nomad agent, and either name that is
// empty, to be selected.
func (w Where) Includes(region, namespace string) bool {
	within := func(name string, list []string) bool {
		return name == "" || len(list) == 0 || slices.Contains(list, All) || slices.Contains(list, name)
	}
	return within(region, w.Regions) && within(namespace, w.Namespaces)
}

// all reports whether every namespace is selected.
func (w Where) all() bool { return len(w.Namespaces) == 0 || slices.Contains(w.Namespaces, All) }

// ID is a pool's full name. Two pools with the same name in different namespaces or regions are two pools.
type ID struct{ Region, Namespace, Name string }

func (id ID) String() string { return id.Region + "/" + id.Namespace + "/" + id.Name }

// ParseID reads what [ID.String] returns.
func ParseID(full string) (id ID, ok bool) {
	parts := strings.SplitN(full, "/", 3)
	if len(parts) != 3 {
		return ID{}, false
	}
	return ID{parts[0], parts[1], parts[2]}, true
}

// UnknownError reports that no pool has this name.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no pool %q", e.Name) }

// AmbiguousError reports that a name is that of several pools.
type AmbiguousError struct {
	Name  string
	Pools []string // full names
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("there are %d pools %q: write one of the full names %s", len(e.Pools), e.Name, strings.Join(e.Pools, ", "))
}

// Named returns the full name that a user means: a pool's name, "namespace/name", or "region/namespace/name". The shorter
// forms must fit one pool only. The error is an [*UnknownError] or an [*AmbiguousError].
func Named(name string, full []string) (string, error) {
	var found []string
	for _, f := range full {
		if f == name {
			return f, nil
		}
		if name != "" && strings.HasSuffix(f, "/"+name) {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return "", &UnknownError{name}
	case 1:
		return found[0], nil
	default:
		slices.Sort(found)
		return "", &AmbiguousError{name, found}
	}
}

var (
	namespaceName = regexp.MustCompile(`^[A-Za-z0-9-]{1,128}$`)
	regionName    = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
)

// CheckNamespace returns an error unless name is that of a Nomad namespace, or [All].
func CheckNamespace(name string) error {
	if name != All && !namespaceName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a namespace: letters, digits and -, at most 128, or * for all", name)
	}
	return nil
}

// CheckRegion returns an error unless name is that of a Nomad region, or [All].
func CheckRegion(name string) error {
	if name != All && !regionName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a region: letters, digits and _ . -, at most 128, or * for all", name)
	}
	return nil
}
