package standin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

// flat returns a diff as lines: path, kind, old and new.
func flat(d *api.JobDiff) string {
	var lines []string
	var walk func(path string, fields []*api.FieldDiff, objects []*api.ObjectDiff)
	walk = func(path string, fields []*api.FieldDiff, objects []*api.ObjectDiff) {
		for _, f := range fields {
			lines = append(lines, fmt.Sprintf("%s%s %s %q %q", path, f.Name, f.Type, f.Old, f.New))
		}
		for _, o := range objects {
			walk(path+o.Name+".", o.Fields, o.Objects)
		}
	}
	lines = append(lines, "job "+d.Type)
	walk("", d.Fields, d.Objects)
	for _, g := range d.TaskGroups {
		lines = append(lines, g.Name+" "+g.Type)
		walk(g.Name+".", g.Fields, g.Objects)
		for _, task := range g.Tasks {
			lines = append(lines, g.Name+"/"+task.Name+" "+task.Type)
			walk(g.Name+"/"+task.Name+".", task.Fields, task.Objects)
		}
	}
	return strings.Join(lines, "\n")
}

func TestJobDiff(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*api.Job)
		want string
	}{
		"nothing":          {func(*api.Job) {}, "job None\ng None\ng/main None"},
		"what servers set": {func(j *api.Job) { j.Version, j.SubmitTime, j.Status = ptr(uint64(3)), ptr(int64(4)), ptr("dead") }, "job None\ng None\ng/main None"},
		"empty is missing": {func(j *api.Job) { j.Meta = map[string]string{} }, "job None\ng None\ng/main None"},
		"a count":          {func(j *api.Job) { j.TaskGroups[0].Count = ptr(5) }, "job Edited\ng Edited\ng.Count Edited \"1\" \"5\"\ng/main None"},
		"job meta":         {func(j *api.Job) { j.Meta = map[string]string{"k": "v"} }, "job Edited\nMeta.k Added \"\" \"v\"\ng None\ng/main None"},
		"a task":           {func(j *api.Job) { j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "1"} }, "job Edited\ng Edited\ng/main Edited\ng/main.Env.A Added \"\" \"1\""},
		"a port": {func(j *api.Job) {
			j.TaskGroups[0].Networks = []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "web"}}}}
		}, "job Edited\ng Edited\ng.Networks.0.DynamicPorts.web.Label Added \"\" \"web\"\ng.Networks.0.DynamicPorts.web.To Added \"\" \"0\"\ng.Networks.0.DynamicPorts.web.Value Added \"\" \"0\"\ng/main None"},
	} {
		t.Run(name, func(t *testing.T) {
			was, job := testJob("j", testGroup("g", 1)), testJob("j", testGroup("g", 1))
			c.edit(job)
			got := flat(jobDiff(was, job))
			for _, line := range strings.Split(c.want, "\n") {
				require.Contains(t, strings.Split(got, "\n"), line, got)
			}
		})
	}
	fresh := jobDiff(nil, testJob("j", testGroup("g", 1)))
	require.Equal(t, diffAdded, fresh.Type)
	require.Equal(t, diffAdded, fresh.TaskGroups[0].Type)
	gone := jobDiff(testJob("j", testGroup("g", 1), testGroup("h", 1)), testJob("j", testGroup("g", 1)))
	require.Equal(t, diffEdited, gone.Type)
	require.Equal(t, diffDeleted, gone.TaskGroups[1].Type)
}
