package capability

// Requirements is what a job needs, in canonical form: made by [Parse] only. Equal meaning gives equal values.
type Requirements struct {
	Type        string       `json:"type"`
	Flags       []string     `json:"flags,omitempty"`       // sorted, no duplicates
	Constraints []Constraint `json:"constraints,omitempty"` // sorted by name
}

// Constraint is one valued requirement in canonical form, for example {"gpu.memory", ">=24GiB"}.
type Constraint struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
}
