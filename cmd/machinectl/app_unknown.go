package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// systemdVerbs are commands of systemd's machinectl (machinectl(1)) that this program does not have.
var systemdVerbs = []string{
	"bind", "cancel-transfer", "clean", "clone", "copy-from", "copy-to", "disable", "edit", "enable", "export-raw", "export-tar",
	"image-status", "import-fs", "import-raw", "import-tar", "kill", "list", "list-images", "list-transfers", "login",
	"poweroff", "pull-raw", "pull-tar", "read-only", "reboot", "remove", "rename", "set-limit", "shell", "show",
	"show-image", "start", "stop", "terminate",
}

// unknownCommand suggests what was meant: a command with a similar name, or one of systemd's program of the same name.
func unknownCommand(cmd *cli.Command) error {
	given := cmd.Args().First()
	if slices.Contains(systemdVerbs, given) {
		return misuse(cmd, "%q is a command of systemd's machinectl, and this is the machinectl of machine profiles: "+
			"call /usr/bin/machinectl %s for containers and virtual machines (Debian: package systemd-container)", given, strings.Join(cmd.Args().Slice(), " "))
	}
	if given == "undrain" {
		return misuse(cmd, "there is no command %q: write `machinectl drain -disable <machine>`", given)
	}
	return misuse(cmd, "there is no command %q%s", given, hint(cli.SuggestCommand(cmd.Commands, given)))
}
