package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/queue"
)

// redisRules is the first argument of acl that asks for users of Redis instead of a policy of Nomad.
const redisRules = "redis"

// aclRedis prints the users of Redis, or the one that the second argument names, as lines of an ACL file.
func aclRedis(cmd *cli.Command, std streams) error {
	users, err := queue.RedisUsers(cmd.String("redis-prefix"))
	if err != nil {
		return misuse(cmd, "-redis-prefix %q: write letters, digits and _ . : -", cmd.String("redis-prefix"))
	}
	if args := cmd.Args().Tail(); len(args) > 0 {
		i := slices.IndexFunc(users, func(u queue.RedisUser) bool { return u.Role == args[0] })
		if i < 0 || len(args) > 1 {
			return misuse(cmd, "name one program that needs a user of Redis, agent or dispatcher, or none for both")
		}
		users = users[i : i+1]
	}
	if cmd.Bool("json") {
		return std.json(map[string]any{"users": users})
	}
	var b strings.Builder
	b.WriteString("# Users of Redis for machinectl. Append them to the file that redis.conf names with aclfile, put the hash of each password\n" +
		"# in its place (printf %s \"$password\" | sha256sum), and run: redis-cli ACL LOAD. Redis refuses a line without a hash.\n" +
		"# The URL is then redis://machinectl-agent:<password>@host:6379. Close the default user if nothing else uses it.\n")
	for _, u := range users {
		fmt.Fprintf(&b, "\n# %s: %s.\nuser machinectl-%s #<sha256 of the %s's password> %s\n", u.Role, u.About, u.Role, u.Role, strings.Join(u.Rules, " "))
	}
	_, err = fmt.Fprint(std.out, b.String())
	return err
}
