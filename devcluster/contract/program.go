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

// programEnv turns the test's binary into one of the programs that tasks run, so that the suite needs none installed.
const programEnv = "CONTRACT_PROGRAM"

// RunProgram runs the program that the environment asks for and reports whether there was one. A test binary which runs
// the suite calls it first thing in its TestMain.
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

// programMemory is what a task that runs a program needs, in MiB: Nomad kills what takes more, and a test's binary is large.
const programMemory = 512

// program is a shell command that runs one of the programs above.
func (l *lab) program(name string) string {
	l.Helper()
	self, err := os.Executable()
	if err != nil {
		l.Fatal(err)
	}
	return fmt.Sprintf("env %s=%s '%s'", programEnv, name, self)
}
