package profile

import (
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Volume is a volume block: storage that outlives the machine and that its tasks find under one path.
type Volume struct {
	Name           string
	Type           string   // "host" or "csi"
	Source         string   // Nomad's name of the volume
	Path           string   // where every task of the machine finds it
	ReadOnly       bool     // default true: models are read
	Sticky         bool     // host only: a replaced machine gets the same volume again
	PerMachine     bool     // csi only: the volume "<source>[<index of the machine>]"
	AccessMode     string   // csi: required
	AttachmentMode string   // csi: required
	FSType         string   // csi only
	MountFlags     []string // csi only
	Range          hcl.Range
}

// Artifact is something that Nomad fetches before a task starts.
type Artifact struct {
	Source      string
	Destination string // below the task's directory; default "local/"
	Mode        string // any, file or dir
	Options     map[string]string
	Headers     map[string]string
	Range       hcl.Range
}

// Network is how the machine's tasks are connected.
type Network struct {
	Mode     string // "host" (default), "bridge" or "cni/<name>"
	Hostname string // bridge only
	DNS      *DNS
	Range    hcl.Range
}

// DNS is the name resolution in a machine's own network.
type DNS struct {
	Servers, Searches, Options []string
}

// Reschedule is how a machine that failed is placed again.
type Reschedule struct {
	Attempts  int           // 0: without limit
	Interval  time.Duration // in which attempts are counted
	Delay     time.Duration
	DelayKind string // constant, exponential or fibonacci
	MaxDelay  time.Duration
	Range     hcl.Range
}

// Disconnect is what happens to a machine whose Nomad client is out of reach. One of the two times is set.
type Disconnect struct {
	LostAfter time.Duration // its place is given up after this
	StopAfter time.Duration // the client itself stops it after this
	Replace   bool          // another machine is started meanwhile
	Reconcile string        // which one stays when it comes back
	Range     hcl.Range
}

// Restart is how a task that ended is started again, in place.
type Restart struct {
	Attempts int // 0: never
	Interval time.Duration
	Delay    time.Duration
	Mode     string // fail or delay
	Range    hcl.Range
}

// Logs is how each task's output is kept. Nomad keeps stdout and stderr apart: a task takes up to twice Files × FileSize.
type Logs struct {
	Files    int
	FileSize int64 // bytes, whole MiB
	Disabled bool
	Range    hcl.Range
}

// Affinity is what placement prefers (or, with a weight below 0, avoids).
type Affinity struct {
	Attribute, Operator, Value string
	Weight                     int // -100 to 100, not 0
}

// Spread is a preference for machines in different places.
type Spread struct {
	Attribute string
	Weight    int // 1 to 100
	Targets   []SpreadTarget
}

// SpreadTarget is how many percent of the machines should be where the attribute has this value.
type SpreadTarget struct {
	Value   string
	Percent int
}

// NomadBlock is the content of a nomad block: parts of a Nomad job in Nomad's syntax, merged last into the compiled job.
type NomadBlock struct {
	Job   *Body // nil: nothing is said
	Group *Body
	Tasks []TaskBody // in order; a task may occur several times
}

// TaskBody is the content of a nomad block for the task of that name, or for all instances of the service of that name.
type TaskBody struct {
	Name  string
	Body  *Body
	Range hcl.Range
}

// Body is the content of a block that the language doesn't know.
type Body struct {
	Items []Item // in the order in which they are to be merged
	Range hcl.Range
}

// Item is an argument or a block of a [Body].
type Item struct {
	Name   string
	Labels []string // of a block
	Value  any      // of an argument: string, int64, float64, bool, []any, map[string]any or nil
	Block  *Body    // nil: it is an argument
	Range  hcl.Range
}
