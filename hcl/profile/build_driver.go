package profile

import (
	"fmt"
	"reflect"

	"github.com/emprops/machinectl/hcl/diag"
)

// forDriver reports arguments that the machine's driver does not take, and warns of those that ask for caution.
func (l *loader) forDriver(m *Machine, o *object) {
	for i := range o.grammar.args {
		a := &o.grammar.args[i]
		switch {
		case o.has(a.name) && !a.takenBy(m.Driver):
			l.report(diag.Error(o.at(a.name), fmt.Sprintf("The driver %s takes no %s", m.Driver, a.name),
				fmt.Sprintf("It is for %s.", quoteAll(driverNames(a.drivers))), fmt.Sprintf("Remove it, or write driver = %s.", quoteAll(driverNames(a.drivers)))))
		case a.caution != "" && o.flag(a.name):
			l.report(diag.Warning(o.at(a.name), fmt.Sprintf("%s = true", a.name), a.caution, ""))
		}
	}
}

func driverNames(list []Driver) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = string(d)
	}
	return out
}

// passed returns the arguments that go into the driver's configuration, by name, without those that have no effect.
func (o *object) passed() map[string]any {
	out := map[string]any{}
	for i := range o.grammar.args {
		a := &o.grammar.args[i]
		if v, ok := o.get(a.name); ok && a.passed && !reflect.DeepEqual(v.v, a.def()) {
			out[a.name] = v.v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
