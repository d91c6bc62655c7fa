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
	// Run runs one attempt at a job and returns its result.
	Run(ctx context.Context, a Attempt) (queue.Result, error)
}

// Attempt is one try at one job, with the means that a connector may use.
type Attempt struct {
	Job queue.Job
	// Files stores the job's files.
	Files Files
	// Progress reports how far the attempt is. Never nil, never blocks.
	Progress func(queue.Progress)
}

// Files stores the files of one attempt. Their names are made unique: a name that is taken gets a suffix.
type Files interface {
	// Store writes all of r as a file and returns its reference. If the store fails, the error is a [Failure] with code
	// [Store]; an error of r is returned as is.
	Store(ctx context.Context, name, contentType string, r io.Reader) (queue.Blob, error)
}

// Config configures a connector.
type Config struct {
	Worker manifest.Worker
	// Addr is the host:port of the worker's service instance, or empty.
	Addr   string
	Logger *slog.Logger
}

// Factory creates the connector of one worker. It checks the settings and doesn't call the service, which may not be up yet.
type Factory func(c Config) (Connector, error)
