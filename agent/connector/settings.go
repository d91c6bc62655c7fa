package connector

import (
	"fmt"

	"github.com/emprops/machinectl/hcl/manifest"
)

// CheckSettings reports a worker's setting that the connector doesn't have, or that has the wrong form, by the table that the
// language reads too.
func CheckSettings(name string, w manifest.Worker) error {
	known, ok := manifest.ConnectorNamed(name)
	if !ok {
		return fmt.Errorf("worker %q: no connector %q", w.Name, name)
	}
	return known.CheckSettings(w.Name, w.Settings)
}
