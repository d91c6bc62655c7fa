package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
)

// newPool returns the pool of a job in a region, whose name may not be known.
func newPool(entry cached, region string) Pool {
	p := Pool{ID: idOf(entry.job, region), Index: entry.index, Events: entry.events}
	wanted := 0
	for _, tg := range entry.job.TaskGroups {
		g := Group{Name: *tg.Name, Count: *tg.Count}
		if tg.Scaling == nil {
			p.Problem = fmt.Sprintf("group %s has no scaling block: apply the profile again", g.Name)
			continue
		}
		policy, ours, err := manifest.ParsePolicy(tg.Scaling.Policy)
		switch {
		case err != nil:
			p.Problem = err.Error()
		case !ours:
			p.Problem = fmt.Sprintf("group %s has no machinectl policy in its scaling block: apply the profile again", g.Name)
		}
		g.Policy = policy
		if policy.Wanted {
			wanted++
		}
		p.Groups = append(p.Groups, g)
	}
	if p.Problem == "" && wanted != 1 {
		p.Problem = fmt.Sprintf("%d groups are marked as wanted, there must be one: apply the profile again", wanted)
	}
	return p
}

// idOf returns the full name of a pool.
func idOf(job *api.Job, region string) ID {
	id := ID{Region: region, Namespace: api.DefaultNamespace, Name: *job.ID}
	if region == "" && job.Region != nil {
		id.Region = *job.Region
	}
	if job.Namespace != nil {
		id.Namespace = *job.Namespace
	}
	return id
}

// addMachines gives each group of a namespace's pools its allocations.
func addMachines(pools []Pool, allocs []*api.AllocationListStub, nodes map[string]string) {
	groups := map[string]*Group{}
	for i := range pools {
		for j := range pools[i].Groups {
			groups[pools[i].Name+"/"+pools[i].Groups[j].Name] = &pools[i].Groups[j]
		}
	}
	for _, a := range allocs {
		g := groups[a.JobID+"/"+a.TaskGroup]
		if g == nil {
			continue
		}
		ended := terminal(a.ClientStatus)
		if a.DesiredStatus != api.AllocDesiredStatusRun {
			if !ended {
				g.Stopping++
			}
			continue
		}
		if ended && a.NextAllocation != "" {
			continue // replaced
		}
		g.Machines = append(g.Machines, Machine{
			ID: a.ID, Index: indexOf(a.Name), Node: a.NodeName, Dead: ended, Since: time.Unix(0, a.CreateTime),
			Trouble: troubleOf(a), Moving: movingOf(a, nodes),
		})
	}
	for _, g := range groups {
		slices.SortFunc(g.Machines, func(a, b Machine) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID)) })
	}
}

func terminal(clientStatus string) bool {
	return clientStatus == api.AllocClientStatusComplete || clientStatus == api.AllocClientStatusFailed || clientStatus == api.AllocClientStatusLost
}

// indexOf returns the index in an allocation's name, such as "pool.group[3]", or −1 if there is none.
func indexOf(name string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(name[strings.LastIndexByte(name, '[')+1:], "]"))
	if err != nil {
		return -1
	}
	return n
}
