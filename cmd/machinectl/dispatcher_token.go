package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
)

// envToken is the environment variable with the token that the dispatcher wants.
const envToken = "MACHINECTL_TOKEN"

// apiToken returns the token for the dispatcher, the flag's or the environment's. Its text is in no message.
func apiToken(cmd *cli.Command) (string, error) {
	token, from := strings.TrimSpace(cmd.String("api-token")), "-api-token"
	if token == "" {
		token, from = strings.TrimSpace(os.Getenv(envToken)), envToken
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fmt.Errorf("the token in %s has white space or other characters that can't be sent: copy it again", from)
	}
	return token, nil
}

// deniedError is a refusal because of the token, with what to do about it.
type deniedError struct{ *client.Problem }

func (e *deniedError) Error() string {
	advice := "Set %s or -api-token to a valid one; an administrator makes it with `machinectl token create`"
	if e.Code == client.ProblemCodeForbidden {
		advice = "Set %s or -api-token to one that may"
	}
	return e.Problem.Error() + ". " + fmt.Sprintf(advice, envToken)
}

func (e *deniedError) Unwrap() error { return e.Problem }

// denied adds to a refusal because of the token what to do about it. It returns nil for another error.
func denied(err error) error {
	var p *client.Problem
	if !errors.As(err, &p) || p.Field != "" || p.Code != client.ProblemCodeUnauthorized && p.Code != client.ProblemCodeForbidden {
		return nil
	}
	return &deniedError{p}
}
