//go:build unix && !linux

package child

import "syscall"

func ownGroup(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	if a == nil {
		a = &syscall.SysProcAttr{}
	}
	a.Setpgid = true
	return a
}

// KillMarked does nothing here: there is no way to see another process's environment.
func KillMarked(...string) error { return nil }

func marked(...string) ([]int, error) { return nil, nil }
