package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/hcl/wiretime"
)

func tokenCommand(std streams) *cli.Command {
	common := func(more ...cli.Flag) []cli.Flag { return append(dispatcherFlags(jsonFlag()), more...) }
	return &cli.Command{
		Name: "token", Usage: "manage the dispatcher's tokens", ArgsUsage: "<create | list | revoke | rotate>",
		Description: "Needs a token with the role admin, at first the one that the dispatcher was started with. Roles: submit is for clients, to\n" +
			"submit jobs and follow and cancel them; read is for monitoring; operate also pauses types, drains machines and requeues\n" +
			"jobs; admin also manages tokens. A token with a tenant submits and sees that tenant's jobs only.",
		Flags: common(),
		Commands: []*cli.Command{
			{
				Name: "create", Usage: "make a token and print it, once", ArgsUsage: "<name>",
				Flags: common(
					&cli.StringSliceFlag{Name: "role", Usage: "`ROLE` submit, read, operate or admin; repeatable"},
					&cli.StringFlag{Name: "tenant", Usage: "only this `TENANT`'s jobs exist for the token"},
					durationFlag("expires", 0, "how long it is valid; 0 is for ever"),
				),
				Action: func(ctx context.Context, cmd *cli.Command) error { return createToken(ctx, cmd, std) },
			},
			{
				Name: "list", Usage: "list tokens, without their secrets", Flags: common(),
				Action: func(ctx context.Context, cmd *cli.Command) error { return listTokens(ctx, cmd, std) },
			},
			{
				Name: "revoke", Usage: "make tokens useless, within 3 s on every dispatcher", ArgsUsage: "<name or id>…", Flags: common(),
				ShellComplete: completing(tokenNames),
				Action:        func(ctx context.Context, cmd *cli.Command) error { return revokeTokens(ctx, cmd, std) },
			},
			{
				Name: "rotate", Usage: "give a token a new secret and print it, once", ArgsUsage: "<name or id>",
				Flags:         common(durationFlag("overlap", time.Hour, "how long the former secret stays valid")),
				ShellComplete: completing(tokenNames),
				Action:        func(ctx context.Context, cmd *cli.Command) error { return rotateToken(ctx, cmd, std) },
			},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if !cmd.Args().Present() {
				return misuse(cmd, "write create, list, revoke or rotate")
			}
			return misuse(cmd, "there is no command %q%s", cmd.Args().First(), hint(cli.SuggestCommand(cmd.Commands, cmd.Args().First())))
		},
	}
}

func createToken(ctx context.Context, cmd *cli.Command, std streams) error {
	if cmd.Args().Len() != 1 {
		return misuse(cmd, "name the token, after what will use it")
	}
	order := client.TokenOrder{Name: cmd.Args().First(), Tenant: cmd.String("tenant"), ExpiresIn: wiretime.Duration(cmd.Duration("expires"))}
	for _, role := range cmd.StringSlice("role") {
		order.Roles = append(order.Roles, client.Role(role))
	}
	if len(order.Roles) == 0 {
		return misuse(cmd, "say what the token is for: -role submit, read, operate or admin")
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	made, err := d.CreateToken(ctx, order)
	if err != nil || cmd.Bool("json") {
		return orJSON(std, made, err)
	}
	showSecret(std.screen(), made, "made")
	return nil
}

func rotateToken(ctx context.Context, cmd *cli.Command, std streams) error {
	if cmd.Args().Len() != 1 {
		return misuse(cmd, "name one token; `machinectl token list` lists them")
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	made, err := d.RotateToken(ctx, cmd.Args().First(), client.RotateOrder{Overlap: new(wiretime.Duration(cmd.Duration("overlap")))})
	if err != nil || cmd.Bool("json") {
		return orJSON(std, made, err)
	}
	showSecret(std.screen(), made, "rotated")
	return nil
}

// orJSON returns an error, or writes a document.
func orJSON(std streams, doc any, err error) error {
	if err != nil {
		return err
	}
	return std.json(doc)
}

// showSecret writes a token's text, the only time that it is shown.
func showSecret(s view.Screen, made *client.NewToken, done string) {
	t := made.About
	line := fmt.Sprintf("Token %s %s: %s", s.Bold(t.Name), done, roleNames(t.Roles))
	if t.Tenant != "" {
		line += ", tenant " + t.Tenant
	}
	if t.ExpiresAt != nil {
		line += ", until " + clock(t.ExpiresAt)
	}
	s.Printf("%s.", line)
	if t.OverlapUntil != nil && t.OverlapUntil.After(time.Now()) {
		s.Printf("The former secret is valid until %s.", clock(t.OverlapUntil))
	}
	s.Printf("\n  %s\n\nIt isn't shown again. Programs send it as Authorization: Bearer <token>, machinectl reads it from %s.", made.Token, envToken)
}

func roleNames(list []client.Role) string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = string(r)
	}
	return strings.Join(texts, ", ")
}

func listTokens(ctx context.Context, cmd *cli.Command, std streams) error {
	if cmd.Args().Present() {
		return misuse(cmd, "unexpected argument %q: list has flags only", cmd.Args().First())
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	tokens, err := d.Tokens(ctx)
	if err != nil || cmd.Bool("json") {
		return orJSON(std, client.TokenList{Tokens: tokens}, err)
	}
	s := std.screen()
	if len(tokens) == 0 {
		s.Printf("No tokens but the dispatcher's admin token.")
		return nil
	}
	ago := func(t *time.Time) string {
		if t == nil {
			return "never"
		}
		return timetext.Age(time.Since(*t)) + " ago"
	}
	rows := [][]string{s.Head("NAME", "ROLES", "TENANT", "ID", "MADE BY", "USED", "EXPIRES")}
	for _, t := range tokens {
		expires := "never"
		if t.ExpiresAt != nil {
			expires = clock(t.ExpiresAt)
			if t.ExpiresAt.Before(time.Now()) {
				expires = s.Warn("expired")
			}
		}
		rows = append(rows, []string{t.Name, roleNames(t.Roles), t.Tenant, t.ID, t.CreatedBy, ago(t.UsedAt), expires})
	}
	s.Rows("", rows)
	return nil
}

func revokeTokens(ctx context.Context, cmd *cli.Command, std streams) error {
	if !cmd.Args().Present() {
		return misuse(cmd, "name tokens; `machinectl token list` lists them")
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	revoked := client.TokenList{Tokens: []client.Token{}}
	for _, which := range cmd.Args().Slice() {
		t, err := d.RevokeToken(ctx, which)
		if err != nil {
			return err
		}
		if !cmd.Bool("json") {
			std.screen().Printf("Token %s revoked.", t.Name)
		}
		revoked.Tokens = append(revoked.Tokens, *t)
	}
	if cmd.Bool("json") {
		return std.json(revoked)
	}
	return nil
}

// tokenNames returns the names of the tokens.
func tokenNames(ctx context.Context, cmd *cli.Command) ([]string, error) {
	d, err := newDispatcher(cmd)
	if err != nil {
		return nil, err
	}
	tokens, err := d.Tokens(ctx)
	var names []string
	for _, t := range tokens {
		names = append(names, t.Name)
	}
	return names, err
}
