package contract

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// programEnv turns the test binary into one of the programs that tasks run, so that none has to be installed.
const programEnv = "CONTRACT_PROGRAM"

// RunProgram runs the program that the environment names and reports whether it names one. A test binary that runs the
// suite calls it first in its TestMain.
func RunProgram() bool {
	var err error
	switch program := os.Getenv(programEnv); program {
	case "":
		return false
	case "files": // serves the folder it runs in on NOMAD_PORT_http
		server := &http.Server{
			Addr: "127.0.0.1:" + os.Getenv("NOMAD_PORT_http"), Handler: http.FileServer(http.Dir(".")), ReadHeaderTimeout: time.Second,
		}
		err = server.ListenAndServe()
	case "session": // runs its arguments in a session of their own
		cmd := exec.Command(os.Args[1], os.Args[2:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		err = cmd.Run()
	default:
		err = errors.New("no program " + program)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// programMemory is the memory in MiB for a task that runs a program. It is large because Nomad kills tasks that use
// more, and test binaries are large.
const programMemory = 512

// program returns a shell command that runs one of the programs above.
func (l *lab) program(name string) string {
	l.Helper()
	self, err := os.Executable()
	if err != nil {
		l.Fatal(err)
	}
	return fmt.Sprintf("env %s=%s '%s'", programEnv, name, self)
}
