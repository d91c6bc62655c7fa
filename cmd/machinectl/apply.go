package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
)

func applyCommand(std streams) *cli.Command {
	flags := append(sourceFlags(), clusterFlags()...)
	return &cli.Command{
		Name: "apply", Usage: "make the cluster run what a profile says", ArgsUsage: "<profile.hcl | directory>…",
		Description: "Plans, asks, registers the pools' Nomad jobs and follows them until their machines are ready. A changed profile\n" +
			"becomes a new revision beside the old one, and the dispatcher moves machines over, each when it is idle.\n" +
			"Interrupting is safe: what is registered stays, and applying again goes on from there.",
		Flags: append(flags, jsonFlag(),
			&cli.BoolFlag{Name: "auto-approve", Usage: "don't ask"},
			&cli.BoolFlag{Name: "detach", Usage: "don't wait for the machines to be ready"},
			&cli.DurationFlag{Name: "timeout", Value: 10 * time.Minute, Usage: "how long to wait for that"},
			&cli.BoolFlag{Name: "force", Usage: "also where running machines would be replaced at once"}),
		Action: func(ctx context.Context, cmd *cli.Command) error { return apply(ctx, cmd, std) },
	}
}

// applied is the JSON form of what apply did.
type applied struct {
	Changes bool            `json:"changes"`
	Pools   []*plan.Pool    `json:"pools"`
	Ready   bool            `json:"ready"` // false also where nobody waited for it
	State   []plan.Progress `json:"state,omitempty"`
}

func apply(ctx context.Context, cmd *cli.Command, std streams) error {
	src, c, p, err := makePlan(ctx, cmd, std)
	if err != nil {
		return err
	}
	asJSON := cmd.Bool("json")
	out := screen(std.out, src.profile.Sensitive)
	if !asJSON {
		out.Plan(p)
	}
	if p.Changes() && !cmd.Bool("auto-approve") {
		if asJSON {
			return misuse(cmd, "-json doesn't ask: add -auto-approve")
		}
		if err := confirm(ctx, cmd, std, "Apply this?"); err != nil {
			return err
		}
	}
	opts := plan.ApplyOptions{Force: cmd.Bool("force")}
	if err := plan.Apply(ctx, c, p, src.pools, opts); err != nil {
		return err
	}
	doc := applied{Changes: p.Changes(), Pools: p.Pools}
	var late error
	if !cmd.Bool("detach") {
		late = follow(ctx, cmd, c, p, out, &doc)
	}
	if asJSON {
		return errors.Join(view.JSON(std.out, doc, src.profile.Sensitive), late)
	}
	if late == nil && p.Changes() {
		out.Printf("Applied.")
	}
	return late
}

// follow waits for the applied pools, showing how far they are.
func follow(ctx context.Context, cmd *cli.Command, c *plan.Cluster, p *plan.Plan, out view.Screen, doc *applied) error {
	ctx, cancel := context.WithTimeout(ctx, cmd.Duration("timeout"))
	defer cancel()
	progress := view.Progress{Screen: out}
	err := plan.Wait(ctx, c, p, plan.WaitOptions{Look: func(seen []plan.Progress) {
		doc.State = seen
		if !cmd.Bool("json") {
			progress.Show(seen)
		}
	}})
	doc.Ready = err == nil
	return err
}

// confirm asks on the terminal; anything but yes is no.
func confirm(ctx context.Context, cmd *cli.Command, std streams, question string) error {
	if f, ok := std.in.(*os.File); ok && !isatty.IsTerminal(f.Fd()) && os.Getenv("MACHINECTL_ASSUME_TERMINAL") == "" {
		return misuse(cmd, "this needs to be confirmed, and standard input is no terminal: add -auto-approve")
	}
	if _, err := fmt.Fprintf(std.out, "\n%s Only \"yes\" is taken for one: ", question); err != nil {
		return err
	}
	type line struct {
		text string
		err  error
	}
	// Reading a terminal can't be interrupted; the process ends soon after ctx, and this goroutine with it.
	answer := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(std.in).ReadString('\n')
		answer <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case a := <-answer:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return a.err
		}
		if strings.TrimSpace(a.text) != "yes" {
			return errors.New("not confirmed; nothing was changed")
		}
		return nil
	}
}
