package alertfile

import "time"

// The built-in rules.
const (
	ServiceDown    = "service_down"
	MachineLost    = "machine_lost"
	CrashLoop      = "crash_loop"
	GPUUnhealthy   = "gpu_unhealthy"
	WaitOverTarget = "wait_over_target"
	DeadLetters    = "dead_letters"
	RolloutStalled = "rollout_stalled"
	NoRoom         = "no_room"
	BelowMinimum   = "below_minimum"
	Unwatched      = "unwatched"
	NomadDown      = "nomad_down"
)

// A Rule is a built-in rule with its defaults.
type Rule struct {
	Name string
	Doc  string // one sentence: when it fires
	// Threshold is what a value must exceed, in Unit. Unit is empty for a rule that has no threshold.
	Threshold float64
	Unit      string
	For       time.Duration // how long the condition must hold before the alert fires
	Severity  string        // one of [Severities]
}

// Severities returns the severities, the most urgent first.
func Severities() []string { return []string{"page", "ticket", "info"} }

// Rules returns the built-in rules in the order of the documentation.
func Rules() []Rule {
	return []Rule{
		{Name: ServiceDown, Doc: "A machine's service fails its health check.", For: 2 * time.Minute, Severity: "ticket"},
		{Name: MachineLost, Doc: "A machine's agent has stopped reporting without having ended.", For: 0, Severity: "ticket"},
		{Name: CrashLoop, Doc: "A pool's machines fail again and again as they start.", For: time.Minute, Severity: "page"},
		{Name: GPUUnhealthy, Doc: "A machine reports one of its GPUs as unhealthy.", For: time.Minute, Severity: "page"},
		{Name: WaitOverTarget, Doc: "The longest waiting job of a class waits longer than this many times the target wait of the pools that can serve it.", Threshold: 2, Unit: "times the target", For: 2 * time.Minute, Severity: "page"},
		{Name: DeadLetters, Doc: "More jobs than this are dead letters: they failed for good and wait for an operator.", Threshold: 0, Unit: "jobs", For: time.Minute, Severity: "ticket"},
		{Name: RolloutStalled, Doc: "A pool's move to a new revision makes no progress.", For: 15 * time.Minute, Severity: "ticket"},
		{Name: NoRoom, Doc: "Nomad has no place for machines that a pool needs.", For: 5 * time.Minute, Severity: "ticket"},
		{Name: BelowMinimum, Doc: "A pool has fewer machines ready than its minimum.", For: 10 * time.Minute, Severity: "page"},
		{Name: Unwatched, Doc: "Pools exist that no dispatcher resizes.", For: 5 * time.Minute, Severity: "ticket"},
		{Name: NomadDown, Doc: "The dispatcher can't read Nomad.", For: 2 * time.Minute, Severity: "page"},
	}
}
