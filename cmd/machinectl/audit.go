package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
)

func auditCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "audit", Usage: "list what operators did, newest first",
		Description: "Lists who did what to what and when, from the dispatcher's audit log. Needs a token with the role admin.",
		Flags: dispatcherFlags(
			jsonFlag(),
			&cli.StringFlag{Name: "who", Usage: "only actions with the token of this `NAME`"},
			&cli.StringFlag{Name: "action", Usage: "only this `ACTION`: pauseType, drainMachine, createToken …"},
			&cli.StringFlag{Name: "target", Usage: "only actions on this `TARGET`: a type, a machine's id, a token's name …"},
			&cli.IntFlag{Name: "limit", Value: 20, Usage: "at most `N`"},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error { return audit(ctx, cmd, std) },
	}
}

func audit(ctx context.Context, cmd *cli.Command, std streams) error {
	if cmd.Args().Present() {
		return misuse(cmd, "unexpected argument %q: audit has flags only", cmd.Args().First())
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	page, err := d.Audit(ctx, &client.ListAuditParams{
		Who: cmd.String("who"), Action: cmd.String("action"), Target: cmd.String("target"), Limit: new(cmd.Int("limit")),
	})
	if err != nil || cmd.Bool("json") {
		return orJSON(std, page, err)
	}
	s := std.screen()
	if len(page.Records) == 0 {
		s.Printf("No such actions.")
		return nil
	}
	rows := [][]string{s.Head("WHEN", "WHO", "FROM", "ACTION", "TARGET", "RESULT", "CHANGE")}
	for _, r := range page.Records {
		result := s.Good("done")
		if r.Status >= http.StatusBadRequest {
			result = s.Bad(fmt.Sprintf("refused (%d)", r.Status))
		}
		rows = append(rows, []string{clock(&r.At), r.Who, r.From, r.Action, r.Target, result, s.Faint(changeText(r))})
	}
	s.Rows("", rows)
	return nil
}

// changeText is what an action changed, in short.
func changeText(r client.AuditRecord) string {
	before, after := string(r.Before), string(r.After)
	switch {
	case before == "" || after == "":
		return before + after
	default:
		return before + " → " + after
	}
}
