package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

func fmtCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "fmt", Usage: "write profiles in the canonical form", ArgsUsage: "[file.hcl | directory | -]…",
		Description: "Rewrites files in place and lists those it changed; - reads standard input and writes standard output. Without\n" +
			"arguments it takes the *.hcl files of this directory. The meaning of a profile does not change.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "change nothing; exit with 2 if a file would be changed"},
			&cli.BoolFlag{Name: "diff", Usage: "show what would change; change nothing"},
			jsonFlag(),
		},
		Action: func(_ context.Context, cmd *cli.Command) error { return format(cmd, std) },
	}
}

func format(cmd *cli.Command, std streams) error {
	files, err := formattable(cmd)
	if err != nil {
		return err
	}
	doc := formatted{Files: []formattedFile{}}
	for _, file := range files {
		one, err := formatFile(cmd, std, file)
		if err != nil {
			return err
		}
		doc.Changed = doc.Changed || one.Changed
		doc.Files = append(doc.Files, one)
	}
	if cmd.Bool("json") {
		if err := std.json(doc); err != nil {
			return err
		}
	}
	if doc.Changed && cmd.Bool("check") {
		return &shownError{errChanges}
	}
	return nil
}

// formatted is the JSON form of what fmt did, or with -check or -diff would do.
type formatted struct {
	Changed bool            `json:"changed"`
	Files   []formattedFile `json:"files"`
}

type formattedFile struct {
	File    string `json:"file"`
	Changed bool   `json:"changed"`
	Diff    string `json:"diff,omitempty"` // with -diff
	Text    string `json:"text,omitempty"` // of standard input
}

// formattable returns the named files, and those in named directories.
func formattable(cmd *cli.Command) ([]string, error) {
	args := cmd.Args().Slice()
	if len(args) == 0 {
		args = []string{"."}
	}
	var files []string
	for _, arg := range args {
		if arg == "-" {
			files = append(files, arg)
			continue
		}
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return nil, misuse(cmd, "%s", fileError(err))
		case !info.IsDir():
			files = append(files, arg)
		default:
			inside, err := filepath.Glob(filepath.Join(arg, "*.hcl"))
			if err != nil {
				return nil, err
			}
			if len(inside) == 0 {
				return nil, misuse(cmd, "%s holds no *.hcl files", arg)
			}
			files = append(files, inside...)
		}
	}
	return slices.Compact(files), nil
}

func formatFile(cmd *cli.Command, std streams, file string) (one formattedFile, err error) {
	one.File = file
	text, err := readAll(std, file)
	if err != nil {
		return one, err
	}
	out, diags := profile.FormatFile(text, file)
	if diags.HasErrors() {
		return one, showSyntax(cmd, std, file, text, diags)
	}
	one.Changed = !bytes.Equal(text, out)
	if cmd.Bool("diff") && one.Changed {
		one.Diff = string(diff.Diff(file, text, file+" (formatted)", out))
	}
	reading := cmd.Bool("diff") || cmd.Bool("check")
	switch {
	case reading:
	case file == "-":
		one.Text = string(out)
	case one.Changed:
		err = replaceFile(file, out)
	}
	if err != nil || cmd.Bool("json") {
		return one, err
	}
	switch {
	case cmd.Bool("diff"):
		_, err = io.WriteString(std.out, one.Diff)
	case file == "-" && !reading:
		_, err = io.WriteString(std.out, one.Text)
	case one.Changed:
		std.screen().Printf("%s", file)
	}
	return one, err
}

func showSyntax(cmd *cli.Command, std streams, file string, text []byte, diags hcl.Diagnostics) error {
	sources := map[string][]byte{file: profile.Conceal(file, text)}
	if cmd.Bool("json") {
		return errors.Join(&shownError{errProfile}, std.invalid(diags, sources))
	}
	s := std.errors()
	err := diag.Printer{Sources: sources, Color: s.Color, Width: s.Width}.Text(std.err, diags)
	return errors.Join(&shownError{errProfile}, err)
}
