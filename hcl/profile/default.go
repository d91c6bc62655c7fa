package profile

import "time"

// What applies where a profile says nothing. The same figures stand as text in the grammar (language.go); a test compares.
const (
	DefaultDevice        = "nvidia/gpu"
	DefaultAgentCommand  = "/usr/local/bin/machine-agent"
	DefaultArtifactAgent = "local/machine-agent" // agent command where an artifact brings it
	DefaultAgentCPU      = 100                   // MHz
	DefaultAgentMemory   = 128 << 20             // bytes
	DefaultStartTime     = 60 * time.Second
	DefaultGrace         = 25 * time.Second
	DefaultSetupTimeout  = 10 * time.Minute
	DefaultReadyPath     = "/"
	DefaultReadyInterval = 5 * time.Second
	DefaultReadyTimeout  = 3 * time.Second
	DefaultPriority      = 50
	DefaultKillTimeout   = 10 * time.Second
	DefaultWeight        = 50
	DefaultSpreadWeight  = 100
	DefaultKillSignal    = "SIGTERM"
	DefaultLogFiles      = 3
	DefaultLogFileSize   = 10 << 20 // bytes
	DefaultLostAfter     = 5 * time.Minute
	DefaultReconcile     = "keep_original"
	DefaultTargetWait    = 30 * time.Second
	DefaultUpCooldown    = 10 * time.Second
	DefaultDownCooldown  = 60 * time.Second
	DefaultIdleAfter     = 2 * time.Minute
)
