package profile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/emprops/machinectl/hcl/diag"
)

// declareProject reads a project block. The pools of a module belong to the profile that uses it.
func (l *loader) declareProject(g *block, b *hclsyntax.Block) {
	l.object(g, b)
	switch {
	case len(l.within) > 0:
		l.report(diag.Error(b.DefRange(), "A project in a module", "A module's pools belong to the project of the profile that uses it.",
			"Write the block there, and remove it here."))
	case l.project != nil:
		earlier := l.project.DefRange()
		l.report(diag.Error(b.DefRange(), "A second project", fmt.Sprintf("All files of a profile belong to one project, %q, declared on %s:%d.",
			l.project.Labels[0], earlier.Filename, earlier.Start.Line), "Take one of the blocks out, or plan and apply the files separately."))
	default:
		l.project = b
	}
}
