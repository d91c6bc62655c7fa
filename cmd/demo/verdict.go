package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"github.com/emprops/machinectl/client"
)

// verdict checks every job's record and makes the last line. An attempt that ended as released or lost was interrupted, unless we killed
// its agent ourselves.
func (d *demo) verdict(ctx context.Context) (string, error) {
	completed, interrupted := 0, 0
	var problems []error
	for _, id := range d.ids {
		j, err := d.api.Job(ctx, id)
		if err != nil {
			return "", err
		}
		if j.State == client.StateCompleted {
			completed++
		} else {
			problems = append(problems, fmt.Errorf("%s is %s: %+v", id, j.State, j.Error))
		}
		for _, a := range j.History {
			if (a.Outcome == "released" || a.Outcome == "lost") && !d.killed[id] {
				interrupted++
				problems = append(problems, fmt.Errorf("%s was interrupted on machine %.8s: %s", id, a.Machine, a.Outcome))
			}
		}
	}
	if d.sizes.up == 0 || d.sizes.down == 0 {
		problems = append(problems, fmt.Errorf("pools were resized %d machines up and %d down: want both", d.sizes.up, d.sizes.down))
	}
	lost := len(d.ids) - completed
	if err := errors.Join(problems...); err != nil {
		return "", fmt.Errorf("submitted=%d completed=%d lost=%d interrupted=%d: %w", len(d.ids), completed, lost, interrupted, err)
	}
	return fmt.Sprintf("demo: ok submitted=%d completed=%d lost=%d interrupted=%d up=%d down=%d",
		len(d.ids), completed, lost, interrupted, d.sizes.up, d.sizes.down), nil
}

// showResult fetches one image that a job made, through the API, checks it, and shows the agents' memory.
func (d *demo) showResult(ctx context.Context) error {
	d.out.Stepf("Look at one result, and at what idle agents weigh")
	for _, id := range d.ids {
		j, err := d.api.Job(ctx, id)
		if err != nil {
			return err
		}
		if j.Result == nil || len(j.Result.Blobs) == 0 || j.Result.Blobs[0].ContentType != "image/png" {
			continue
		}
		b := j.Result.Blobs[0]
		file, err := d.api.Blob(ctx, id, b.Name)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		img, err := png.DecodeConfig(bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("%s: %w", b.URL, err)
		}
		keep := filepath.Join(os.TempDir(), "machinectl-demo.png")
		if err := os.WriteFile(keep, body, 0o600); err != nil {
			return err
		}
		d.out.Notef("%s of %s: PNG, %d×%d pixels, kept as %s", b.Name, id, img.Width, img.Height, keep)
		return d.showRSS(ctx)
	}
	return errors.New("no job left an image")
}

// idleLimit is what an idle agent with at least two workers may have resident, in MiB.
const idleLimit = 25

// showRSS shows the agents' memory (RSS), and fails if an idle agent with several workers uses too much.
func (d *demo) showRSS(ctx context.Context) error {
	machines, err := d.api.Machines(ctx, "")
	if err != nil {
		return err
	}
	for _, m := range machines {
		if len(jobsOf(m)) > 0 {
			continue
		}
		mib := float64(m.RSS) / (1 << 20)
		d.out.Notef("idle agent of %s[%d]: %.1f MiB resident with %s", m.Group, m.Index, mib, counted(len(m.Workers), "worker"))
		if len(m.Workers) >= 2 && mib > idleLimit {
			return fmt.Errorf("the idle agent of %s[%d] has %.1f MiB resident, and should have at most %d", m.Group, m.Index, mib, idleLimit)
		}
	}
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
