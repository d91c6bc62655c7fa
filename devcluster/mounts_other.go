//go:build !linux

package devcluster

// unmountBelow does nothing: only a Nomad on Linux mounts.
func unmountBelow(string) error { return nil }
