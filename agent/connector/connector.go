package connector

import (
	"context"
	"io"
	"log/slog"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/queue"
)

// Connector runs jobs of one type for one worker. See the package documentation for the contract.
type Connector interface {
	// Run runs one attempt of a job and returns what it leaves.
	Run(ctx context.Context, a Attempt) (queue.Result, error)
}

// Attempt is one try at one job, with what a connector may use for it.
type Attempt struct {
	Job queue.Job
	// Files takes what the job leaves as files.
	Files Files
	// Progress reports how far the attempt is. Never nil, never blocks.
	Progress func(queue.Progress)
}

// Files stores the files of one attempt. The names that it keeps are unique: a name that was used before gets a suffix.
type Files interface {
	// Store writes all of r as a file and returns its reference. A failing store is a [Failure] with code [Store]; an error
	// of r is returned as it is.
	Store(ctx context.Context, name, contentType string, r io.Reader) (queue.Blob, error)
}

// Config is what a connector is made from.
type Config struct {
	Worker manifest.Worker
	// Addr is host:port of the worker's service instance, or empty.
	Addr   string
	Logger *slog.Logger
}

// Factory makes the connector of one worker. It checks the settings and does not talk to the service, which may not be up yet.
type Factory func(c Config) (Connector, error)
