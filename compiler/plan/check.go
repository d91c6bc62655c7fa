package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// checkWords describes why a check doesn't pass. An agent answers its health checks with a JSON document, from which
// checkWords takes the problems. Of any other answer it takes the first line.
func checkWords(check nomad.AllocCheckStatus) string {
	of := cmp.Or(check.Task, check.Service, "a service")
	if check.Status == "pending" {
		return of + " has not been checked yet"
	}
	var answer struct {
		Problems []string `json:"problems"`
	}
	text := firstLine(check.Output)
	switch start := strings.IndexByte(check.Output, '{'); {
	case start >= 0 && json.Unmarshal([]byte(check.Output[start:]), &answer) == nil && len(answer.Problems) > 0:
		text = strings.Join(answer.Problems, "; ")
	case start >= 0:
		text = ""
	case strings.Contains(text, "connection refused"):
		text = "nothing listens on its port"
	}
	if text == "" && check.StatusCode > 0 {
		text = fmt.Sprintf("it answers with status %d", check.StatusCode)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s is not %s: %s", of, check.Check, text), ": ")
}
