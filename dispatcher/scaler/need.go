package scaler

import (
	"math"
	"slices"
	"time"
)

// workerSet is a set of a pool's workers, one bit each. Pools with more workers than bits share the last bit.
type workerSet uint64

const maxWorkers = 64

func (p *Pool) setOf(serves func(worker int) bool) workerSet {
	var set workerSet
	for i := range p.Workers {
		if serves(i) {
			set |= 1 << min(i, maxWorkers-1)
		}
	}
	return set
}

// slots is how many jobs those workers of one machine run at once.
func (p *Pool) slots(set workerSet) float64 {
	sum := 0
	for i, w := range p.Workers {
		if set&(1<<min(i, maxWorkers-1)) != 0 {
			sum += max(w.Concurrency, 1)
		}
	}
	return float64(sum)
}

// share is what one pool is asked to serve of the classes that the same set of its workers can serve.
type share struct {
	backlog float64 // slots
	jobs    float64
	rate    float64       // jobs per second
	work    time.Duration // Σ rate·service, for the mean: seconds of work per second
}

func (s share) slots(target time.Duration) float64 {
	if s.rate <= 0 {
		return s.backlog
	}
	service := time.Duration(float64(s.work) / s.rate)
	return max(s.backlog, steadySlots(s.work.Seconds(), service, target, steadyCap(s.jobs)))
}

// machinesFor is the least number of machines whose workers carry all shares: the maximum over every union of worker sets
// of the slots wanted inside it, divided by the slots it has per machine.
func (p *Pool) machinesFor(shares map[workerSet]share) int {
	slots := map[workerSet]float64{}
	for set, s := range shares {
		slots[set] = s.slots(p.Policy.TargetWait.D())
	}
	need := 0.0
	for _, union := range unions(slots) {
		wanted := 0.0
		for set, n := range slots {
			if set&^union == 0 {
				wanted += n
			}
		}
		need = max(need, wanted/p.slots(union))
	}
	// The tolerance keeps sums of fractions such as ⅓ + ⅔ from costing a machine.
	return int(math.Ceil(need - 1e-9))
}

// maxUnions bounds the unions looked at. Worker sets are nested or disjoint in practice, which gives few of them; beyond
// the bound the union of everything is still there, so that the answer errs by too little, by a share that next time's
// backlog shows.
const maxUnions = 512

func unions(slots map[workerSet]float64) []workerSet {
	var sets, list []workerSet
	var all workerSet
	for set := range slots {
		sets = append(sets, set)
		all |= set
	}
	slices.Sort(sets)
	seen := map[workerSet]bool{}
	for _, set := range sets {
		for _, u := range append(slices.Clone(list), 0) {
			if n := u | set; !seen[n] && len(list) < maxUnions {
				seen[n] = true
				list = append(list, n)
			}
		}
	}
	if all != 0 && !seen[all] {
		list = append(list, all)
	}
	return list
}
