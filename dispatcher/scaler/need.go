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

// slots returns how many jobs the set's workers on one machine run at the same time.
func (p *Pool) slots(set workerSet) float64 {
	sum := 0
	for i, w := range p.Workers {
		if set&(1<<min(i, maxWorkers-1)) != 0 {
			sum += max(w.Concurrency, 1)
		}
	}
	return float64(sum)
}

// share is the load that one pool should serve of all classes that the same set of its workers can serve.
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

// machinesFor returns the least number of machines whose workers carry all shares: the maximum, over every union of
// worker sets, of the slots needed inside it divided by its slots per machine.
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
	// The tolerance keeps rounding errors in sums such as ⅓ + ⅔ from costing a machine.
	return int(math.Ceil(need - 1e-9))
}

// maxUnions bounds how many unions are examined. In practice worker sets are nested or disjoint, so that there are few.
// Beyond the bound the union of all sets is still examined. The result may then be too low, and the growing backlog
// corrects it in later decisions.
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
