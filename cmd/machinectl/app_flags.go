package main

import (
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/hcl/timetext"
)

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "write JSON, for programs"}
}

// durationFlag returns a flag whose default, if it has one, is shown as people write it.
func durationFlag(name string, value time.Duration, usage string) cli.Flag {
	return &cli.DurationFlag{Name: name, Value: value, Usage: usage, DefaultText: timetext.Exact(value), HideDefault: value == 0}
}
