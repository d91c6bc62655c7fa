package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
)

// defaultDispatcher is where a dispatcher listens unless told otherwise.
const defaultDispatcher = "http://127.0.0.1:8650"

// dispatcherFlags say which dispatcher a command uses, and with what token.
func dispatcherFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "dispatcher", Usage: "`URL` of the dispatcher; else MACHINECTL_DISPATCHER, else " + defaultDispatcher},
		&cli.StringFlag{Name: "api-token", Usage: "`TOKEN` for the dispatcher; else " + envToken},
	}, more...)
}

// dispatcher is the dispatcher that a command uses.
type dispatcher struct {
	*client.Client

	at string // the URL in messages
	// named is false where the URL is assumed: neither a flag nor the environment has one.
	named bool
}

func newDispatcher(cmd *cli.Command) (*dispatcher, error) {
	given := cmp.Or(cmd.String("dispatcher"), os.Getenv("MACHINECTL_DISPATCHER"))
	url := cmp.Or(given, defaultDispatcher)
	token, err := apiToken(cmd)
	if err != nil {
		return nil, err
	}
	c, err := client.New(url, client.Options{Token: token})
	if err != nil {
		return nil, err
	}
	return &dispatcher{Client: c, at: c.At(), named: given != ""}, nil
}

// silenceError is a dispatcher's silence, with what to do about it.
type silenceError struct{ *client.UnreachableError }

func (e *silenceError) Error() string {
	return e.UnreachableError.Error() + ". Set MACHINECTL_DISPATCHER or -dispatcher, or start a dispatcher there"
}

// advised adds to a command's error what to do about it.
func advised(err error) error {
	if told := denied(err); told != nil {
		return told
	}
	var silent *client.UnreachableError
	if !errors.As(err, &silent) {
		return err
	}
	before, last := strings.CutSuffix(err.Error(), silent.Error())
	switch told := (&silenceError{silent}); {
	case !last:
		return err
	case before == "":
		return told
	default:
		return fmt.Errorf("%s%w", before, told)
	}
}
