package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/content"
	"github.com/emprops/machinectl/hcl/manifest"
)

// savedVersion is the version of the [Saved] document this code writes and reads.
const savedVersion = 2

// Saved is a plan for a later apply, with the compiled jobs. The jobs don't contain sensitive values, which have to be given
// again for the apply.
type Saved struct {
	Version int       `json:"machinectl_plan"`
	At      time.Time `json:"at"`
	// Profile holds the absolute paths of the profile. It is read again only for sensitive values.
	Profile []string `json:"profile"`
	// Digest is the digest of Pools.
	Digest string      `json:"digest"`
	Plan   *Plan       `json:"plan"`
	Pools  []savedPool `json:"pools"`
}

// savedPool is a compiled pool without its source.
type savedPool struct {
	Name     string          `json:"name"`
	Revision string          `json:"revision"` // of the group with its sensitive values
	Policy   manifest.Policy `json:"policy"`
	Job      any             `json:"job"` // with null in place of sensitive values
	// Hidden holds the places of sensitive values, as JSON pointers into the job.
	Hidden []string `json:"hidden,omitempty"`
}

// Save encodes a plan with the pools that it was made from.
func Save(p *Plan, pools []*compiler.Pool, profile []string, now time.Time) ([]byte, error) {
	s := Saved{Version: savedVersion, At: now.UTC().Truncate(time.Second), Profile: profile, Plan: p}
	for _, pool := range pools {
		job := content.Plain(pool.Job)
		for _, place := range pool.Hidden {
			if !content.Put(job, place, nil) {
				return nil, fmt.Errorf("pool %q: its job has no value at %s", pool.Name, place)
			}
		}
		s.Pools = append(s.Pools, savedPool{pool.Name, pool.Revision, pool.Policy, job, pool.Hidden})
	}
	var err error
	if s.Digest, err = s.digest(); err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// digest returns the digest of the pools.
func (s *Saved) digest() (string, error) {
	b, err := json.Marshal(s.Pools)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// IsSaved reports whether a document is a saved plan.
func IsSaved(b []byte) bool {
	var s struct {
		Version *int `json:"machinectl_plan"`
	}
	return json.Unmarshal(b, &s) == nil && s.Version != nil
}

// Open reads a saved plan. If the plan has sensitive values, Open calls again, which compiles the profile again.
func Open(b []byte, again func(profile []string) ([]*compiler.Pool, error)) (*Plan, []*compiler.Pool, error) {
	var s Saved
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&s); err != nil {
		return nil, nil, errors.New("not a saved plan: it was changed since it was made, or is incomplete")
	}
	if s.Version != savedVersion {
		return nil, nil, fmt.Errorf("the saved plan has version %d, but this machinectl reads version %d: plan again", s.Version, savedVersion)
	}
	if digest, err := s.digest(); err != nil || digest != s.Digest {
		return nil, nil, errors.New("the saved plan was changed since it was made: plan again")
	}
	var compiled []*compiler.Pool
	if slices.ContainsFunc(s.Pools, func(p savedPool) bool { return len(p.Hidden) > 0 }) {
		var err error
		if compiled, err = again(s.Profile); err != nil {
			return nil, nil, err
		}
	}
	var pools []*compiler.Pool
	for _, saved := range s.Pools {
		pool, err := saved.open(compiled)
		if err != nil {
			return nil, nil, err
		}
		pools = append(pools, pool)
	}
	return s.Plan, pools, nil
}

// open returns the pool with the sensitive values that it has in the profile now.
func (p savedPool) open(compiled []*compiler.Pool) (*compiler.Pool, error) {
	others := errors.New("the sensitive values of the profile have changed since the plan was made: plan again")
	if len(p.Hidden) > 0 {
		i := slices.IndexFunc(compiled, func(c *compiler.Pool) bool { return c.Name == p.Name })
		if i < 0 {
			return nil, others
		}
		now := content.Plain(compiled[i].Job)
		for _, place := range p.Hidden {
			value, ok := content.At(now, place)
			if !ok || !content.Put(p.Job, place, value) {
				return nil, others
			}
		}
	}
	job := &nomad.Job{}
	b, err := json.Marshal(p.Job)
	if err == nil {
		err = json.Unmarshal(b, job)
	}
	if err != nil || len(job.TaskGroups) != 1 {
		return nil, errors.New("the saved plan holds no job: plan again")
	}
	pool := &compiler.Pool{Name: p.Name, Revision: p.Revision, Policy: p.Policy, Job: job, Hidden: p.Hidden}
	if pool.Revision != compiler.Revision(pool.Group()) {
		return nil, others
	}
	return pool, nil
}

// Agree checks that a new plan is still the one that was agreed to, apart from counts. The error joins a [ConflictError]
// for each pool that differs.
func Agree(agreed, now *Plan) error {
	present := map[string]*Pool{}
	for _, pool := range now.Pools {
		present[pool.Name] = pool
	}
	var errs []error
	for _, pool := range agreed.Pools {
		found := present[pool.Name]
		switch {
		case pool.Action == Orphan || pool.Action == Remove:
			if pool.Action == Remove && found == nil {
				errs = append(errs, &ConflictError{Pool: pool.Name, Moved: []string{"it was to be removed, and is already gone"}})
			}
		case found == nil:
			errs = append(errs, &ConflictError{Pool: pool.Name, Moved: []string{"it is no longer in the plan"}})
		default:
			if what := moved(pool, found); len(what) > 0 {
				errs = append(errs, &ConflictError{Pool: pool.Name, Moved: what})
			}
		}
	}
	return errors.Join(errs...)
}
