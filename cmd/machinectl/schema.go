package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/hcl/profile"
)

func schemaCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "print the language's JSON Schema or its reference",
		Description: "The JSON Schema is for editors and generators, of profiles in HCL's JSON form; -reference prints the language's\n" +
			"reference as Markdown. Both come from the schema that profiles are read with.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "reference", Usage: "print the reference"}, jsonFlag()},
		Action: func(_ context.Context, cmd *cli.Command) error {
			text := profile.Schema()
			if cmd.Bool("reference") {
				text = []byte(profile.Reference())
				if cmd.Bool("json") {
					return std.json(map[string]string{"reference": string(text)})
				}
			}
			_, err := std.out.Write(text)
			return err
		},
	}
}
