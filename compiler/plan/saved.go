package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/spec"
)

// savedVersion is the version of the [Saved] document this code writes and reads.
const savedVersion = 1

// Saved is a plan on its way to a later apply: what was agreed to, and the jobs that carry it out. In the file, a
// placeholder stands for each sensitive value; whoever applies has to give the values again.
type Saved struct {
	Version int       `json:"machinectl_plan"`
	At      time.Time `json:"at"`
	// Profile is what was planned, as absolute paths. It is read again only for sensitive values.
	Profile []string `json:"profile"`
	// Sensitive is how many sensitive values were taken out.
	Sensitive int `json:"sensitive,omitempty"`
	// Digest is that of the pools with their sensitive values in them.
	Digest string      `json:"digest"`
	Plan   *Plan       `json:"plan"`
	Pools  []savedPool `json:"pools"`
}

// savedPool is a compiled pool without its source.
type savedPool struct {
	Name     string      `json:"name"`
	Revision string      `json:"revision"`
	Policy   spec.Policy `json:"policy"`
	Job      *nomad.Job  `json:"job"`
}

// placeholder stands for the i-th sensitive value. The rune is a private-use one, which no profile can have written.
func placeholder(i int) string { return fmt.Sprintf("\uf1d0%d\uf1d0", i) }

// Save writes a plan with the pools it was made of.
func Save(p *Plan, pools []*compiler.Pool, profile, sensitive []string, now time.Time) ([]byte, error) {
	s := Saved{Version: savedVersion, At: now.UTC().Truncate(time.Second), Profile: profile, Sensitive: len(sensitive), Plan: p}
	for _, pool := range pools {
		s.Pools = append(s.Pools, savedPool{pool.Name, pool.Revision, pool.Policy, pool.Job})
	}
	var err error
	if s.Digest, err = s.digest(); err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	if bytes.Contains(b, []byte("\uf1d0")) {
		return nil, errors.New("the plan can't be saved: the profile holds the character U+F1D0, which saved plans use themselves")
	}
	pairs, err := replacements(sensitive, true)
	if err != nil {
		return nil, err
	}
	return append([]byte(strings.NewReplacer(pairs...).Replace(string(b))), '\n'), nil
}

// replacements pairs sensitive values, as they stand in a JSON string, with their placeholders.
func replacements(sensitive []string, hide bool) ([]string, error) {
	var pairs []string
	for i, value := range sensitive {
		b, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		inside := string(b[1 : len(b)-1])
		if hide {
			pairs = append(pairs, inside, placeholder(i))
		} else {
			pairs = append(pairs, placeholder(i), inside)
		}
	}
	return pairs, nil
}

// digest is over the jobs only: where a plan was made doesn't matter.
func (s *Saved) digest() (string, error) {
	b, err := json.Marshal(s.Pools)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// IsSaved tells a saved plan from anything else.
func IsSaved(b []byte) bool {
	var s struct {
		Version *int `json:"machinectl_plan"`
	}
	return json.Unmarshal(b, &s) == nil && s.Version != nil
}

// Open reads a saved plan. secrets is asked for the sensitive values of the profile it was made of, if it had any.
func Open(b []byte, secrets func(profile []string) ([]string, error)) (*Plan, []*compiler.Pool, error) {
	var s Saved
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, nil, fmt.Errorf("not a saved plan: %w", err)
	}
	if s.Version != savedVersion {
		return nil, nil, fmt.Errorf("a saved plan of version %d, and this machinectl reads version %d: plan again", s.Version, savedVersion)
	}
	if s.Sensitive > 0 {
		values, err := secrets(s.Profile)
		if err != nil {
			return nil, nil, err
		}
		pairs, err := replacements(values, false)
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal([]byte(strings.NewReplacer(pairs...).Replace(string(b))), &s); err != nil {
			return nil, nil, fmt.Errorf("not a saved plan: %w", err)
		}
	}
	digest, err := s.digest()
	switch {
	case err != nil:
		return nil, nil, err
	case digest != s.Digest && s.Sensitive > 0:
		return nil, nil, errors.New("the sensitive values of the profile are others than when the plan was made, or the file was changed: plan again")
	case digest != s.Digest:
		return nil, nil, errors.New("the saved plan was changed since it was made: plan again")
	}
	var pools []*compiler.Pool
	for _, pool := range s.Pools {
		pools = append(pools, &compiler.Pool{Name: pool.Name, Revision: pool.Revision, Policy: pool.Policy, Job: pool.Job})
	}
	return s.Plan, pools, nil
}

// Agree says whether a plan made now is still the one that was agreed to, counts aside. The error joins a [ConflictError]
// for each pool that moved.
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
				errs = append(errs, &ConflictError{Pool: pool.Name, Moved: []string{"it was to be removed, and is gone already"}})
			}
		case found == nil:
			errs = append(errs, &ConflictError{Pool: pool.Name, Moved: []string{"it is in no plan any more"}})
		default:
			if what := moved(pool, found); len(what) > 0 {
				errs = append(errs, &ConflictError{Pool: pool.Name, Moved: what})
			}
		}
	}
	return errors.Join(errs...)
}
