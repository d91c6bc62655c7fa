package api

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// cannotListen explains why the API can't be served at an address.
func cannotListen(address string, err error) error {
	host, port, splitErr := net.SplitHostPort(address)
	_, portErr := strconv.ParseUint(port, 10, 16)
	var unknown *net.DNSError
	switch {
	case splitErr != nil || portErr != nil:
		return fmt.Errorf("-listen %q: write HOST:PORT, such as 127.0.0.1:8650, with a port from 0 to 65535", address)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s (is another dispatcher running?): choose another -listen", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine: write -listen 127.0.0.1:%s, one of its addresses, or 0.0.0.0:%s for all of them", host, port, port)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("the system does not let this user listen on port %s: choose a port from 1024 on with -listen", port)
	case errors.As(err, &unknown):
		return fmt.Errorf("no address of %q is known: write an address of this machine, such as -listen 127.0.0.1:%s", host, port)
	}
	var system syscall.Errno
	if errors.As(err, &system) {
		return fmt.Errorf("the API can't listen on %s: %s", address, system.Error())
	}
	return fmt.Errorf("the API can't listen on %s: choose another -listen", address)
}
