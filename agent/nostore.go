package agent

import (
	"context"
	"io"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/queue"
)

// noStore refuses files because the machine has no blob store.
type noStore struct{}

// Store implements [connector.Files].
func (noStore) Store(context.Context, string, string, io.Reader) (queue.Blob, error) {
	return queue.Blob{}, connector.Final(connector.NoStore,
		"the job makes files, but the machine has no blob store: set blobs in the profile's agent block, or %s", manifest.EnvBlobs)
}
