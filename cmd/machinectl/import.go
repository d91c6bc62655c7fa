package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/decompile"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/diag"
)

func importCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "write a profile for an existing Nomad job", ArgsUsage: "<job id> | -",
		Description: "Prints a profile for a job that runs in Nomad, or for one in Nomad's JSON (-file, or - for standard input;\n" +
			"`nomad job run -output job.nomad.hcl` converts a job file to it). What the language can't express goes into nomad\n" +
			"blocks, and what can't go there into comments. Values that look like secrets become secret() or sensitive variables\n" +
			"and are not shown. The profile of a job that machinectl made compiles to the same revision.",
		Flags: append(flagsOfCluster("`NAME` of the job's namespace; else NOMAD_NAMESPACE, else default", "`NAME` of the job's region; else NOMAD_REGION"), jsonFlag(),
			&cli.StringFlag{Name: "file", Usage: "read the job from `FILE` instead, - for standard input"},
			&cli.StringFlag{Name: "group", Usage: "only the task group of this `NAME`; otherwise each becomes a machine and a pool"},
			&cli.StringFlag{Name: "out", Usage: "write the profile to `FILE`, which must not exist"}),
		Action: func(ctx context.Context, cmd *cli.Command) error { return importJob(ctx, cmd, std) },
	}
}

func importJob(ctx context.Context, cmd *cli.Command, std streams) error {
	job, err := importedJob(ctx, cmd, std)
	if err != nil {
		return err
	}
	result, err := decompile.Profile(job, decompile.Options{Group: cmd.String("group")})
	if err != nil {
		return err
	}
	out := cmd.String("out")
	if out != "" {
		if err := writeNew(cmd, out, []byte(result.Profile)); err != nil {
			return err
		}
	}
	switch {
	case cmd.Bool("json"):
		return std.json(result)
	case out != "":
		std.screen().Printf("Wrote %s. Next: `machinectl validate %s`, then `machinectl plan %s`.", out, out, out)
	default:
		if _, err := io.WriteString(std.out, result.Profile); err != nil {
			return err
		}
	}
	if n := len(result.Notes); n > 0 {
		s := std.errors()
		s.Printf("%s %s could not be imported unchanged: see the comments.", s.Warn("!"), plural(n, "thing"))
	}
	return nil
}

// importedJob returns the job that the command line names.
func importedJob(ctx context.Context, cmd *cli.Command, std streams) (*nomad.Job, error) {
	file, id := cmd.String("file"), cmd.Args().First()
	switch n := cmd.Args().Len(); {
	case n > 1 || n == 1 && file != "":
		return nil, misuse(cmd, "name one job, or one file with -file")
	case file != "":
		return jobFromFile(cmd, std, file)
	case id == "-":
		return jobFromFile(cmd, std, "-")
	case id == "":
		return nil, misuse(cmd, "name a job that runs in Nomad, or a file with -file")
	}
	client, at, err := nomadClient(cmd)
	if err != nil {
		return nil, err
	}
	q := (&nomad.QueryOptions{Region: at.Region, Namespace: cmp.Or(at.Namespace, nomad.DefaultNamespace)}).WithContext(ctx)
	job, _, err := client.Jobs().Info(id, q)
	var refused nomad.UnexpectedResponseError
	switch {
	case err == nil:
		return job, nil
	case !errors.As(err, &refused) || refused.StatusCode() != http.StatusNotFound:
		return nil, plan.NewCluster(client).Explain(err)
	}
	list, _, err := client.Jobs().List(q)
	if err != nil {
		return nil, plan.NewCluster(client).Explain(err)
	}
	var known []string
	for _, j := range list {
		known = append(known, j.ID)
	}
	if looksLikePath(id) {
		if _, err := os.Stat(id); err == nil {
			return nil, misuse(cmd, "there is no job %q, but a file: write -file %s", id, id)
		}
	}
	return nil, misuse(cmd, "there is no job %q in namespace %s%s", id, q.Namespace, hint(diag.Suggest(id, known)))
}

// jobFromFile reads Nomad's JSON of a job, with or without the object that its API puts around it.
func jobFromFile(cmd *cli.Command, std streams, file string) (*nomad.Job, error) {
	b, err := readAll(std, file)
	if err != nil {
		return nil, misuse(cmd, "%s", err)
	}
	var around struct {
		Job json.RawMessage `json:"Job"` //nolint:tagliatelle // Nomad's name
	}
	if err := json.Unmarshal(b, &around); err != nil {
		if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
			return nil, misuse(cmd, "%s is not JSON: `nomad job run -output %s` converts a job file to JSON", file, file)
		}
		return nil, misuse(cmd, "%s: %s", file, jsonPlace(b, err))
	}
	if len(around.Job) > 0 {
		b = around.Job
	}
	job := &nomad.Job{}
	if err := json.Unmarshal(b, job); err != nil {
		return nil, misuse(cmd, "%s is not a job in Nomad's JSON: %s", file, jsonPlace(b, err))
	}
	return job, nil
}
