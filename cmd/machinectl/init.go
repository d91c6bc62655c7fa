package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/hcl/profile"
)

//go:embed starter.hcl
var starter []byte

func initCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "write a profile to start from", ArgsUsage: "[directory]",
		Description: "Writes a commented profiles.hcl. It can be applied unchanged where `nomad agent -dev` and a Redis run on this host, with\n" +
			"the agent that is found there. plan and apply report what is missing. An existing file is left alone.",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() > 1 {
				return misuse(cmd, "name one directory at most")
			}
			dir := "."
			if cmd.Args().Present() {
				dir = cmd.Args().First()
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fileError(err)
			}
			path := filepath.Join(dir, "profiles.hcl")
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return misuse(cmd, "%s already exists and is left alone: name another directory", path)
			}
			if err != nil {
				return fileError(err)
			}
			agent := findAgent()
			_, err = f.Write(starterWith(agent))
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			if cmd.Bool("json") {
				return std.json(map[string]string{"written": path, "agent": agent})
			}
			if agent == "" {
				e := std.errors()
				e.Printf("%s There is no machine-agent beside machinectl, on PATH or in /usr/local/bin: `make build` makes it. The profile expects %s.", e.Warn("!"), profile.DefaultAgentCommand)
			}
			std.screen().Printf("Wrote %s. Next: `machinectl validate %s`, then `machinectl plan %s`.", path, path, path)
			return nil
		},
	}
}

// findAgent returns the path of the agent's binary on this host, or "" if it isn't found.
func findAgent() string {
	if path := beside(agentProgram); path != "" {
		return path
	}
	if path, err := exec.LookPath(agentProgram); err == nil {
		if path, err = filepath.Abs(path); err == nil {
			return path
		}
	}
	if info, err := os.Stat(profile.DefaultAgentCommand); err == nil && !info.IsDir() {
		return profile.DefaultAgentCommand
	}
	return ""
}

const agentProgram = "machine-agent"

// starterWith returns the starter with the agent's path in it, so that it can be applied unchanged where Nomad runs on this
// host.
func starterWith(agent string) []byte {
	if agent == "" {
		return starter
	}
	return bytes.Replace(starter, strconv.AppendQuote(nil, profile.DefaultAgentCommand), strconv.AppendQuote(nil, agent), 1)
}
