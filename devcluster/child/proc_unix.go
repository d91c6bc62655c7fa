//go:build unix

package child

import (
	"errors"
	"syscall"
)

// Kill sends SIGKILL to one process. A process that is already gone is not an error.
func Kill(pid int) error { return gone(syscall.Kill(pid, syscall.SIGKILL)) }

// KillGroup sends SIGKILL to a whole process group. A group that is already gone is not an error.
func KillGroup(pgid int) error { return gone(syscall.Kill(-pgid, syscall.SIGKILL)) }

func gone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
