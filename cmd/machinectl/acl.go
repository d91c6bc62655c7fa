package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/profile"
)

// role is a program that acts in the cluster, with the least that Nomad has to allow it.
type role struct {
	name, about  string
	capabilities []string
	rest         string // beside the namespace block
}

func roles() []role {
	return []role{
		{
			"cli", "for the token that machinectl finds in NOMAD_TOKEN: plan, apply, status, rollback, destroy, logs, restart",
			[]string{"list-jobs", "read-job", "submit-job", "read-logs", "alloc-lifecycle"},
			"",
		},
		{
			"agent", "for the machines' own identities, so that they can restart their services: attach it to each pool's job",
			[]string{"read-job", "alloc-lifecycle"},
			"",
		},
		{
			"dispatcher", "for the token in NOMAD_TOKEN of the dispatcher: it resizes pools and moves them to new revisions",
			[]string{"list-jobs", "read-job", "scale-job", "submit-job"},
			"\n# Optional: without it, nodes that drain are noticed a little later.\nnode {\n  policy = \"read\"\n}\n",
		},
	}
}

func aclCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "acl", Usage: "print the least Nomad ACL policies and Redis users", ArgsUsage: "<cli | agent | dispatcher> [profile.hcl]… | redis [agent | dispatcher]",
		Description: "Prints the policy that Nomad has to grant, in the form that `nomad acl policy apply` takes. With a profile, it covers the\n" +
			"namespaces of its pools, and the agent's policy names the Nomad variables that hold the profile's secrets. Without one,\n" +
			"it covers -namespace.\n\n" +
			"acl redis prints users of Redis instead, as lines of an ACL file: a machine's agent can then read neither the dispatcher's\n" +
			"tokens nor its secrets.",
		Flags: append(sourceFlags(), jsonFlag(), &cli.StringFlag{Name: "namespace", Value: "default", Usage: "`NAME` of the namespace of pools that name none"},
			&cli.StringFlag{Name: "redis-prefix", Usage: "`PREFIX` of the keys in Redis, for acl redis (default mq)"}),
		Action: func(_ context.Context, cmd *cli.Command) error { return acl(cmd, std) },
	}
}

func acl(cmd *cli.Command, std streams) error {
	if cmd.Args().First() == redisRules {
		return aclRedis(cmd, std)
	}
	list := roles()
	i := slices.IndexFunc(list, func(r role) bool { return r.name == cmd.Args().First() })
	if i < 0 {
		return misuse(cmd, "name the program that needs the policy, cli, agent or dispatcher, or redis for the users of Redis")
	}
	r := list[i]
	secrets := map[string]map[string]bool{cmd.String("namespace"): nil}
	var jobs []string
	if paths := cmd.Args().Tail(); len(paths) > 0 {
		src, err := loadPaths(cmd, std, paths)
		if err != nil {
			return err
		}
		src.settle(plan.Place{Namespace: cmd.String("namespace")})
		clear(secrets)
		for _, pool := range src.pools {
			namespace := plan.PlaceOf(pool).Namespace
			if secrets[namespace] == nil {
				secrets[namespace] = map[string]bool{}
			}
			for _, path := range secretPaths(pool.Source.Machine) {
				secrets[namespace][path] = true
			}
			jobs = append(jobs, fmt.Sprintf("-namespace %s -job %s", namespace, pool.Name))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# The machinectl %s's policy, %s.\n# nomad acl policy apply", r.name, r.about)
	if r.name == "agent" {
		fmt.Fprintf(&b, " %s", cmp.Or(strings.Join(slices.Compact(jobs), " (and again with) "), "-namespace "+cmd.String("namespace")+" -job <pool>"))
	}
	fmt.Fprintf(&b, " machinectl-%s <this file>\n", r.name)
	for _, namespace := range slices.Sorted(maps.Keys(secrets)) {
		fmt.Fprintf(&b, "\nnamespace %q {\n  capabilities = [%s]\n", namespace, quotedList(r.capabilities))
		if r.name == "agent" && len(secrets[namespace]) > 0 {
			b.WriteString("\n  variables {\n")
			for _, path := range slices.Sorted(maps.Keys(secrets[namespace])) {
				fmt.Fprintf(&b, "    path %q {\n      capabilities = [\"read\"]\n    }\n", path)
			}
			b.WriteString("  }\n")
		}
		b.WriteString("}\n")
	}
	b.WriteString(r.rest)
	if cmd.Bool("json") {
		return std.json(map[string]any{"role": r.name, "namespaces": slices.Sorted(maps.Keys(secrets)), "policy": b.String()})
	}
	_, err := fmt.Fprint(std.out, b.String())
	return err
}

// secretPaths returns the paths of the Nomad variables that a machine's tasks read.
func secretPaths(m *profile.Machine) []string {
	sets := []map[string]profile.Secret{m.Secrets, m.Agent.Secrets}
	if m.Setup != nil {
		sets = append(sets, m.Setup.Secrets)
	}
	for _, s := range m.Services {
		sets = append(sets, s.Secrets)
	}
	var paths []string
	for _, set := range sets {
		for _, secret := range set {
			paths = append(paths, secret.Path)
		}
	}
	return paths
}
