package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
		Description: "Rewrites files in place and names those it changed; - reads standard input and writes standard output. Without\n" +
			"arguments it takes the *.hcl files of this directory. What a profile means stays as it is.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "change nothing; exit with 2 where something would be"},
			&cli.BoolFlag{Name: "diff", Usage: "show what would change; change nothing"},
		},
		Action: func(_ context.Context, cmd *cli.Command) error { return format(cmd, std) },
	}
}

func format(cmd *cli.Command, std streams) error {
	files, err := formattable(cmd)
	if err != nil {
		return err
	}
	changed := false
	for _, file := range files {
		differs, err := formatFile(cmd, std, file)
		if err != nil {
			return err
		}
		changed = changed || differs
	}
	if changed && cmd.Bool("check") {
		return &shownError{errChanges}
	}
	return nil
}

// formattable are the files that are named, those in named directories included.
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
			return nil, misuse(cmd, "%s", err)
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

func formatFile(cmd *cli.Command, std streams, file string) (changed bool, err error) {
	text, err := readAll(std, file)
	if err != nil {
		return false, err
	}
	out, diags := profile.FormatFile(text, file)
	if diags.HasErrors() {
		return false, showSyntax(std, file, text, diags)
	}
	changed = !bytes.Equal(text, out)
	check, show := cmd.Bool("check"), cmd.Bool("diff")
	switch {
	case show && changed:
		_, err = std.out.Write(diff.Diff(file, text, file+" (formatted)", out))
	case show:
	case check && changed:
		std.screen().Printf("%s", file)
	case check:
	case file == "-":
		_, err = std.out.Write(out)
	case changed:
		if err = replaceFile(file, out); err == nil {
			std.screen().Printf("%s", file)
		}
	}
	return changed, err
}

func readAll(std streams, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(std.in)
	}
	return os.ReadFile(file)
}

func showSyntax(std streams, file string, text []byte, diags hcl.Diagnostics) error {
	s := std.errors()
	err := diag.Printer{Sources: map[string][]byte{file: text}, Color: s.Color, Width: s.Width}.Text(std.err, diags)
	return errors.Join(&shownError{errProfile}, err)
}

// replaceFile writes a file whole or not at all, with the permissions it had.
func replaceFile(file string, text []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".machinectl-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s is as it was: %w", file, err), os.Remove(temporary.Name()))
	}
	return nil
}
