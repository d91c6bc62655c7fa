package child

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// UnmountBelow undoes the mounts that a Nomad running as root has left below a folder.
func UnmountBelow(dir string) error {
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return fmt.Errorf("child: %w", err)
	}
	var errs []error
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.HasPrefix(f[1], dir+"/") {
			continue
		}
		if err := syscall.Unmount(f[1], syscall.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("child: unmount %s: %w", f[1], err))
		}
	}
	return errors.Join(errs...)
}
