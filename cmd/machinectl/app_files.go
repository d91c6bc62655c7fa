package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"
)

// fileError words an error of the file system: which path, and what is wrong with it. The cause stays reachable.
func fileError(err error) error {
	var at *fs.PathError
	if !errors.As(err, &at) {
		return err
	}
	return fmt.Errorf("%s: %w", at.Path, at.Err)
}

// readAll reads a file, or standard input where it is named "-".
func readAll(std streams, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(std.in)
	}
	b, err := os.ReadFile(file)
	return b, fileError(err)
}

// writeNew creates a file. It is an error if the file exists.
func writeNew(cmd *cli.Command, path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return misuse(cmd, "%s already exists and is left alone: name another file", path)
	}
	if err != nil {
		return misuse(cmd, "%s", fileError(err))
	}
	_, err = f.Write(text)
	return errors.Join(fileError(err), f.Close())
}

// replaceFile replaces a file atomically and keeps its permissions.
func replaceFile(file string, text []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return fileError(err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".machinectl-*")
	if err != nil {
		return fileError(err)
	}
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s was not changed: %w", file, fileError(err)), os.Remove(temporary.Name()))
	}
	return nil
}

// jsonPlace describes a decoding error with its line and column.
func jsonPlace(doc []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err.Error()
	}
	before := doc[:min(int(syntax.Offset), len(doc))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Sprintf("line %d, column %d: %s", line, max(column, 1), err)
}

// beside returns the path of a program in the folder of this one, or "" if it isn't there.
func beside(program string) string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	path := filepath.Join(filepath.Dir(self), program)
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return ""
	}
	return path
}

// looksLikePath reports whether an argument is a path rather than the name of a pool, which has neither dots nor slashes.
func looksLikePath(arg string) bool { return strings.ContainsAny(arg, "./\\") }
