package connector

import (
	"fmt"

	"github.com/emprops/machinectl/hcl/manifest"
)

// CheckSettings returns an error for a worker's setting that the connector doesn't have or whose value is wrong. It reads the
// same table as the language.
func CheckSettings(name string, w manifest.Worker) error {
	known, ok := manifest.ConnectorNamed(name)
	if !ok {
		return fmt.Errorf("worker %q: no connector %q", w.Name, name)
	}
	return known.CheckSettings(w.Name, w.Settings)
}
