package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/timetext"
)

func alertsCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "alerts", Usage: "show what is wrong, by the dispatcher's rules",
		Description: "Lists the alerts that fire, and with -all those that are pending or were resolved within a day. The exit code is 0\n" +
			"whether any fires or not. docs/alerts.md lists the rules.",
		Flags:  dispatcherFlags(jsonFlag(), &cli.BoolFlag{Name: "all", Usage: "also those that are pending or resolved"}),
		Action: func(ctx context.Context, cmd *cli.Command) error { return alerts(ctx, cmd, std) },
	}
}

func alerts(ctx context.Context, cmd *cli.Command, std streams) error {
	if cmd.Args().Present() {
		return misuse(cmd, "unexpected argument %q", cmd.Args().First())
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	list, err := d.Alerts(ctx)
	if err != nil {
		return err
	}
	if !cmd.Bool("all") {
		list.Alerts = slices.DeleteFunc(list.Alerts, func(a client.Alert) bool { return a.State != client.AlertStateFiring })
	}
	if cmd.Bool("json") {
		return std.json(list)
	}
	showAlerts(std.screen(), list, time.Now())
	return nil
}

func showAlerts(s view.Screen, list *client.AlertList, now time.Time) {
	if list.JudgedAt == nil {
		s.Printf("The dispatcher has not judged its rules yet.")
		return
	}
	if len(list.Alerts) == 0 {
		s.Printf("No alert fires. The rules were judged %s ago.", timetext.Age(now.Sub(*list.JudgedAt)))
		return
	}
	rows := [][]string{s.Head("STATE", "SEVERITY", "SINCE", "RULE", "SUBJECT", "")}
	for _, a := range list.Alerts {
		rows = append(rows, []string{string(a.State), string(a.Severity), timetext.Age(now.Sub(a.Since)), s.Bold(a.Rule), a.Subject, a.Text})
	}
	s.Rows("", rows)
	for _, a := range list.Alerts {
		for _, r := range a.Receivers {
			if r.FailedTries > 0 {
				s.Printf("%s %s, %s: receiver %q was not told in %s: %s", s.Warn("!"), a.Rule, a.Subject, r.Name, plural(r.FailedTries, "try"), r.Error)
			}
		}
	}
	if list.Dropped > 0 {
		s.Printf("%s %s not shown: there are too many.", s.Warn("!"), plural(list.Dropped, "further alert"))
	}
}
