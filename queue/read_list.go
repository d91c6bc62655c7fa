package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// scanBudget bounds how many records one List call reads per type when a filter leaves most of them out. The cursor continues
// from there, so a page may have fewer jobs than the limit, or none, with more to come.
const scanBudget = 10_000

// position is a place in a listing: jobs are ordered by time (creation, or end for ended states), then id, newest first.
type position struct {
	at int64
	id string
}

func (p position) String() string { return strconv.FormatInt(p.at, 10) + "_" + p.id }

func parsePosition(s string) (*position, error) {
	ms, id, ok := strings.Cut(s, "_")
	n, err := strconv.ParseInt(ms, 10, 64)
	if !ok || err != nil || n < 0 || typeOf(id) == "" {
		return nil, &InvalidError{"cursor", "is not one that a listing returned"}
	}
	return &position{n, id}, nil
}

// after reports whether p comes after q in a listing, which is newest first.
func (p position) after(q position) bool { return p.at < q.at || p.at == q.at && p.id < q.id }

// List returns jobs without their parameters, newest first: by creation, or by their end if State is final. next is empty on
// the last page.
func (c *Client) List(ctx context.Context, f ListFilter) (jobs []Job, next string, err error) {
	switch {
	case f.Limit < 0 || f.Limit > 500:
		return nil, "", &InvalidError{"limit", "write 1 to 500"}
	case f.Limit == 0:
		f.Limit = 50
	}
	var from *position
	if f.Cursor != "" {
		if from, err = parsePosition(f.Cursor); err != nil {
			return nil, "", err
		}
	}
	if !slices.Contains([]State{"", Waiting, Delayed, Running, Completed, Failed, Dead, Cancelled}, f.State) {
		return nil, "", &InvalidError{"state", fmt.Sprintf("%q is not a state: write waiting, delayed, running, completed, failed, dead or cancelled", printable(string(f.State)))}
	}
	types := []string{f.Type}
	if f.Type == "" {
		if types, err = c.allTypes(ctx); err != nil {
			return nil, "", err
		}
	} else if _, err := checkID(f.Type + "-"); err != nil {
		return nil, "", &InvalidError{"type", "is not a job type"}
	}
	var found []position
	var horizon *position // the newest place at which a type's scan stopped early: nothing after it may be shown yet
	for _, t := range types {
		ps, stopped, err := c.scan(ctx, t, f, from)
		if err != nil {
			return nil, "", err
		}
		found = append(found, ps...)
		if stopped != nil && (horizon == nil || horizon.after(*stopped)) {
			horizon = stopped
		}
	}
	return c.page(ctx, f, found, horizon)
}

// page sorts what the scans found and reads the jobs.
func (c *Client) page(ctx context.Context, f ListFilter, found []position, horizon *position) ([]Job, string, error) {
	slices.SortFunc(found, func(a, b position) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id)) })
	if horizon != nil {
		found = slices.DeleteFunc(found, func(p position) bool { return p.after(*horizon) })
	}
	next := ""
	switch {
	case len(found) > f.Limit:
		found = found[:f.Limit]
		next = found[f.Limit-1].String()
	case horizon != nil:
		next = horizon.String()
	}
	byType := map[string][]string{}
	for _, p := range found {
		byType[typeOf(p.id)] = append(byType[typeOf(p.id)], p.id)
	}
	byID := map[string]Job{}
	for t, ids := range byType {
		jobs, err := c.read(ctx, t, ids)
		if err != nil {
			return nil, "", err
		}
		for _, j := range jobs {
			byID[j.ID] = j
		}
	}
	var out []Job
	for _, p := range found {
		if j, ok := byID[p.id]; ok {
			out = append(out, j)
		}
	}
	return out, next, nil
}

// scan walks one type's index, newest first, and collects limit+1 places that pass the filter. stopped is where it
// stopped with more to read.
func (c *Client) scan(ctx context.Context, jobType string, f ListFilter, from *position) (found []position, stopped *position, err error) {
	index := "all"
	if f.State.Final() {
		index = "ended"
	}
	if f.State == Dead {
		index = "dead"
	}
	const chunk = 500
	bottom, top, skip := "-inf", "+inf", int64(0)
	if !f.Since.IsZero() {
		bottom = strconv.FormatInt(f.Since.UnixMilli(), 10)
	}
	if !f.Until.IsZero() {
		top = strconv.FormatInt(f.Until.UnixMilli(), 10)
	}
	if from != nil && (f.Until.IsZero() || from.at < f.Until.UnixMilli()) {
		top = strconv.FormatInt(from.at, 10)
	}
	for looked := 0; looked < scanBudget; looked += chunk {
		zs, err := c.rdb.ZRevRangeByScoreWithScores(ctx, c.keys.shard(jobType, index), &redis.ZRangeBy{
			Min: bottom, Max: top, Offset: skip, Count: chunk,
		}).Result()
		if err != nil {
			return nil, nil, c.wrap(ctx, err)
		}
		skip += int64(len(zs))
		places := make([]position, 0, len(zs))
		for _, z := range zs {
			id, _ := z.Member.(string)
			p := position{int64(z.Score), id}
			if from == nil || p.after(*from) {
				places = append(places, p)
			}
		}
		if len(places) > 0 {
			stopped = &places[len(places)-1]
		}
		passed, err := c.filter(ctx, jobType, f, places)
		if err != nil {
			return nil, nil, err
		}
		if found = append(found, passed...); len(found) > f.Limit {
			return found, nil, nil
		}
		if len(zs) < chunk {
			return found, nil, nil
		}
	}
	return found, stopped, nil
}

// selects reports whether a job passes what the index doesn't select by.
func (f *ListFilter) selects(r *record) bool {
	return (f.State == "" || r.state == f.State) && (f.Tenant == "" || r.tenant == f.Tenant) && (f.Class == "" || r.class == f.Class) &&
		(!f.Retrying || r.state == Delayed && r.attempts > 0)
}

// filter keeps the places whose jobs pass the filter.
func (c *Client) filter(ctx context.Context, jobType string, f ListFilter, places []position) ([]position, error) {
	if f.State == "" && f.Tenant == "" && f.Class == "" && !f.Retrying || len(places) == 0 {
		return places, nil
	}
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	values, err := c.rdb.HMGet(ctx, c.keys.shard(jobType, "jobs"), ids...).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	var out []position
	for i, v := range values {
		if v == nil {
			continue
		}
		r, err := parseRecord(ids[i], text(v))
		if err != nil {
			return nil, err
		}
		if f.selects(r) {
			out = append(out, places[i])
		}
	}
	return out, nil
}

// DeadLetters returns how many dead jobs each type has; types without any are left out.
func (c *Client) DeadLetters(ctx context.Context) (map[string]int64, error) {
	types, err := c.allTypes(ctx)
	if err != nil {
		return nil, err
	}
	counts := make([]*redis.IntCmd, len(types))
	_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, t := range types {
			counts[i] = p.ZCard(ctx, c.keys.shard(t, "dead"))
		}
		return nil
	})
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	out := map[string]int64{}
	for i, t := range types {
		if n := counts[i].Val(); n > 0 {
			out[t] = n
		}
	}
	return out, nil
}
