package queue_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// The content of the twins, and whether their indexes are consistent.

// compare fails if the twins differ or an index is inconsistent.
func (h *twinHistory) compare() {
	if h.t.Failed() {
		return
	}
	a, b := h.view(0), h.view(1)
	require.Equal(h.t, b, a)
	h.checkIndex(a)
}

// view returns the content of a queue's shard, except times and nonces, with numbers for job ids.
func (h *twinHistory) view(i int) map[string][]string {
	var pairs []string
	for k, id := range h.ids[i] {
		pairs = append(pairs, id, fmt.Sprintf("job%04d", k))
	}
	numbers := strings.NewReplacer(pairs...)
	out := map[string][]string{}
	add := func(name, line string) { out[name] = append(out[name], numbers.Replace(line)) }
	key := func(name string) string { return h.c[i].ShardKey(twinType, name) }
	sets, hashes := map[string]*redis.ZSliceCmd{}, map[string]*redis.MapStringStringCmd{}
	var ends *redis.StringSliceCmd
	_, err := h.rdb.Pipelined(h.ctx, func(p redis.Pipeliner) error {
		for _, name := range []string{"waiting", "chead", "heads", "leases", "delayed", "deadlines", "ended", "dead", "held", "idle", "all", "classes"} {
			sets[name] = p.ZRangeWithScores(h.ctx, key(name), 0, -1)
		}
		for _, name := range []string{"jobs", "counts", "aud", "cls", "ctl", "fleet", "fair", "bodies", "meta", "hooks"} {
			hashes[name] = p.HGetAll(h.ctx, key(name))
		}
		ends = p.LRange(h.ctx, key("hookout"), 0, -1)
		for _, id := range h.ids[i] {
			hashes["info:"+id] = p.HGetAll(h.ctx, key("info:"+id))
		}
		return nil
	})
	require.NoError(h.t, err)
	for name, set := range sets {
		for _, z := range set.Val() {
			line := fmt.Sprint(z.Member)
			if name == "heads" {
				line = fmt.Sprintf("%013x %s", int64(z.Score), line)
			}
			add(name, line)
		}
	}
	for name, hash := range hashes {
		for field, value := range hash.Val() {
			if name == "cls" && strings.HasPrefix(field, "s:") {
				continue // the samples that a class keeps depend on how long its jobs took, and the twins take turns
			}
			add(numbers.Replace(name), field+" = "+plainValue(name, field, value))
		}
	}
	for _, end := range ends.Val() {
		f := strings.Split(end, "\t")
		f[3] = "_" // the time
		add("hookout", strings.Join(f, " "))
	}
	for _, lines := range out {
		slices.Sort(lines)
	}
	return out
}

// plainValue returns a hash's value without times and nonces.
func plainValue(hash, field, value string) string {
	switch {
	case hash == "jobs":
		f := strings.Split(value, "\t")
		for _, at := range []int{2, 4, 7, 13, 19, 22} { // ENDED NONCE STARTED DEADLINE READY CREATED
			if len(f[at]) > 1 {
				f[at] = "_"
			}
		}
		return strings.Join(f, " ")
	case hash == "cls" && strings.HasPrefix(field, "t:"), hash == "ctl" && field == "fleet", hash == "ctl" && (strings.HasPrefix(field, "d:") || strings.HasPrefix(field, "p:")):
		return ""
	case strings.HasPrefix(hash, "info:") && field[0] == 'a':
		f := strings.Split(value, "\t")
		f[3], f[4] = "", ""
		return strings.Join(f, " ")
	}
	return value
}

// checkIndex checks that chead holds exactly the first job of each class with waiting jobs, heads exactly the first
// class of each audience except the parked one, and that the counters are right.
func (h *twinHistory) checkIndex(view map[string][]string) {
	audience := map[string]string{}
	for _, line := range view["cls"] {
		if class, ok := strings.CutPrefix(line, "a:"); ok {
			class, a, _ := strings.Cut(class, " = ")
			audience[class] = a
		}
	}
	first := map[string]string{}
	for _, m := range view["waiting"] {
		class, rest, _ := strings.Cut(m, ":")
		order, _, _ := strings.Cut(rest, ":")
		if first[class] == "" {
			first[class] = order
		}
	}
	var chead, heads []string
	best := map[string]string{}
	for class, order := range first {
		a := audience[class]
		chead = append(chead, a+":"+order+":"+class)
		if a != "parked" && (best[a] == "" || order < best[a]) {
			best[a] = order
		}
	}
	for a, order := range best {
		heads = append(heads, order+" "+a)
	}
	require.ElementsMatch(h.t, chead, view["chead"], "class heads")
	require.ElementsMatch(h.t, heads, view["heads"], "audience heads")

	counts := map[string]int{}
	for _, line := range view["jobs"] {
		if !strings.HasPrefix(line, "job") {
			continue
		}
		_, record, _ := strings.Cut(line, " = ")
		f := strings.Split(record, " ")
		switch f[0] {
		case "r":
			counts["m:"+f[5]]++
			if f[12] != "" {
				counts["t:"+f[12]]++
			}
		case "d":
			counts["d:"+f[16]]++
		}
	}
	for _, m := range view["held"] {
		_, place, _ := strings.Cut(m, "\t")
		counts["h:"+strings.Split(place, ":")[1]]++
	}
	want := map[string]int{}
	for _, line := range view["counts"] {
		field, n, _ := strings.Cut(line, " = ")
		if v, err := strconv.Atoi(n); err == nil && v != 0 && field != "_" {
			want[field] = v
		}
	}
	require.Equal(h.t, counts, want, "counters")
}
