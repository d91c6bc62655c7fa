package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
	dispatch "github.com/emprops/machinectl/dispatcher"
)

// machineDispatcher stands for the program that dev looks for on PATH: today's dispatcher, with the flags that dev gives.
func machineDispatcher() {
	var o dispatch.Options
	flag.StringVar(&o.Listen, "listen", "", "")
	flag.StringVar(&o.AdminTokenFile, "admin-token-file", "", "")
	flag.BoolVar(&o.Insecure, "insecure", false, "")
	flag.StringVar(&o.NomadAddr, "nomad-addr", "", "")
	flag.StringVar(&o.Redis, "redis", "", "")
	flag.StringVar(&o.Blobs, "blobs", "", "")
	flag.DurationVar(&o.Interval, "interval", 0, "")
	addrFile := flag.String("addr-file", "", "")
	flag.Parse()
	o.Ready = func(addr string) {
		if err := os.WriteFile(*addrFile, []byte(addr), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	ctx, stop := signalled()
	err := dispatch.Run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestDevListen: an address that dev announces is that of the dispatcher it started, and of no other process.
func TestDevListen(t *testing.T) {
	t.Parallel()
	// Somebody who answers as a ready dispatcher does.
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer other.Close()
	taken := strings.TrimPrefix(other.URL, "http://")
	t.Run("taken", func(t *testing.T) {
		for _, format := range []string{"-json=false", "-json"} {
			out, err := exec.Command("machinectl", "dev", "-embedded", "-gpus", "0", "-listen", taken, format).CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, string(out))
			require.Equal(t, exitFailed, exit.ExitCode())
			require.Contains(t, string(out), "another program listens on "+taken+": name another address with -listen")
			require.NotContains(t, string(out), other.URL)
		}
	})
	t.Run("not ours", func(t *testing.T) {
		out, err := exec.Command("machinectl", "dev", "-embedded", "-gpus", "0", "-listen", "192.0.2.1:0").CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, string(out))
		require.Equal(t, exitFailed, exit.ExitCode())
		require.Contains(t, string(out), "192.0.2.1 is not an address of this machine: write -listen 127.0.0.1:0")
	})
	t.Run("wrong", func(t *testing.T) {
		for _, listen := range []string{"", "nonsense", "127.0.0.1", "127.0.0.1:http", ":99999", "[::1"} {
			out, err := exec.Command("machinectl", "dev", "-embedded", "-listen", listen).CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, string(out))
			require.Equal(t, exitUsage, exit.ExitCode())
			require.Contains(t, string(out), fmt.Sprintf("-listen %q: write HOST:PORT", listen))
		}
	})
	for _, listen := range []string{"127.0.0.1:0", ":0", "localhost:0"} {
		t.Run(listen, func(t *testing.T) {
			t.Parallel()
			line, end := startDev(t, "-json", "-listen", listen)
			var s stack
			require.NoError(t, json.Unmarshal(line, &s), string(line))
			answersAsOurs(t, s.Dispatcher, s.Token)
			require.NoError(t, end())
		})
	}
	t.Run("for people", func(t *testing.T) {
		t.Parallel()
		text, end := startDev(t, "-listen", "127.0.0.1:0")
		found := regexp.MustCompile(`\n  Dispatcher  (http://127\.0\.0\.1:[1-9][0-9]*)\n`).FindSubmatch(text)
		require.NotNil(t, found, string(text))
		token := regexp.MustCompile(`\n  export MACHINECTL_TOKEN=(\w+)\n`).FindSubmatch(text)
		require.NotNil(t, token, string(text))
		answersAsOurs(t, string(found[1]), string(token[1]))
		require.NoError(t, end())
	})
}

// startDev starts the stack and returns what it announces. end stops it.
func startDev(t *testing.T, args ...string) (announced []byte, end func() error) {
	t.Helper()
	cmd := exec.Command("machinectl", append([]string{"dev", "-embedded", "-gpus", "0"}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	stopped := false
	end = func() error {
		stopped = true
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return err
		}
		return cmd.Wait()
	}
	t.Cleanup(func() {
		if !stopped {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait() // the test has failed
		}
	})
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadBytes('\n')
		announced = append(announced, line...)
		require.NoError(t, err, "%s\n%s", announced, &said)
		if bytes.HasPrefix(line, []byte("{")) || bytes.HasPrefix(line, []byte("Ctrl-C")) {
			return announced, end
		}
	}
}

// answersAsOurs reports whether the answer is that of a dispatcher that no other test uses.
func answersAsOurs(t *testing.T, url, token string) {
	t.Helper()
	c, err := client.New(url, client.Options{Token: token, Timeout: time.Minute})
	require.NoError(t, err)
	page, err := c.Jobs(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, page.Jobs)
}
