package capability

// Offer is what one worker offers. It is plain data: it travels in a Nomad job (hcl/spec), in Redis and over HTTP.
type Offer struct {
	// Type is the job type the worker's connector runs, for example "comfyui".
	Type string `json:"type"`
	// Flags are the plain capabilities, for example "gpu" and "cuda". Sorted, no duplicates.
	Flags []string `json:"flags,omitempty"`
	// Attrs are the valued capabilities by dotted name: "gpu.memory" → "24GiB", "driver" → "550.54", "model" → a list.
	// A value is a string (a quantity, a version or a word), a number, a bool, or a list of strings.
	Attrs map[string]any `json:"attrs,omitempty"`
}
