//go:build !linux

package child

// UnmountBelow does nothing: only a Nomad on Linux mounts.
func UnmountBelow(string) error { return nil }
