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
	"unicode/utf8"

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

// jsonPlace describes a decoding error, with its line and column where they are known.
func jsonPlace(doc []byte, err error) string {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(doc)) == 0:
		return "it is empty"
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Sprintf("%s: %s can't be %s", lineColumn(doc, wrong.Offset), wrong.Field, spokenKind(wrong.Value))
	case errors.As(err, &wrong):
		return fmt.Sprintf("it is %s", spokenKind(wrong.Value))
	case !errors.As(err, &syntax):
		return "it can't be read"
	case int(syntax.Offset) >= len(bytes.TrimRight(doc, " \t\r\n")) && strings.Contains(syntax.Error(), "unexpected end"):
		return lineColumn(doc, syntax.Offset) + ": it ends too early; a bracket, brace or quotation mark is missing"
	}
	at := doc[max(int(syntax.Offset)-1, 0):]
	r, _ := utf8.DecodeRune(at)
	return fmt.Sprintf("%s: unexpected %s", lineColumn(doc, syntax.Offset), spokenRune(r))
}

func spokenRune(r rune) string {
	switch r {
	case '\n', '\r':
		return "line end: write \\n for one in a text"
	case '\t':
		return "tab: write \\t for one in a text"
	case utf8.RuneError:
		return "byte that is not UTF-8"
	}
	return fmt.Sprintf("%q", r)
}

// spokenKind names a kind of JSON value, given in the decoder's words such as "number 1.5".
func spokenKind(value string) string {
	kind, rest, _ := strings.Cut(value, " ")
	switch kind {
	case "number":
		return strings.TrimSpace("a number " + rest)
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "an object"
	}
	return value
}

// lineColumn is the place of the last of the first offset bytes.
func lineColumn(doc []byte, offset int64) string {
	before := doc[:max(min(int(offset), len(doc))-1, 0)]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n'))
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
