package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"

	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/netguard"
	"github.com/emprops/machinectl/queue"
)

// usageError is a command line that can't be run; the flag package has written what is wrong.
type usageError struct{ error }

// exitCode returns 0 for an orderly end or requested help, 2 for a wrong command line, and 1 for everything else.
func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		return 2
	default:
		return 1
	}
}

// options reads flags, and the environment where a flag isn't given.
func options(args []string, env func(string) string, out *os.File) (dispatcher.Options, error) {
	var o dispatcher.Options
	var level slog.Level
	flags := flag.NewFlagSet("machine-dispatcher", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.Listen, "listen", cmp.Or(env("MACHINE_DISPATCHER_LISTEN"), "127.0.0.1:8650"), "`host:port` of the HTTP API [MACHINE_DISPATCHER_LISTEN]")
	// What may hold a password has no default here: help would show it.
	flags.StringVar(&o.Redis, "redis", "", "`URL` of the queue's Redis; default redis://127.0.0.1:6379 [MACHINE_REDIS_URL]")
	flags.StringVar(&o.Prefix, "redis-prefix", env(manifest.EnvRedisPrefix), "`PREFIX` of all keys in Redis, so that installations can share it; also as ?prefix= in the URL; default mq ["+manifest.EnvRedisPrefix+"]")
	flags.StringVar(&o.NomadAddr, "nomad-addr", "", "`URL` of Nomad [NOMAD_ADDR]; token, region and TLS from NOMAD_*")
	namespaces := listFlag{into: &o.Namespaces, check: fleet.CheckNamespace}
	flags.Var(&namespaces, "namespaces", "`NAMES` of the namespaces whose pools are resized, with commas, or * for all that Nomad's token may read; default NOMAD_NAMESPACE, else *")
	flags.Var(&namespaces, "namespace", "former name of -namespaces, `NAME`")
	flags.Var(&listFlag{into: &o.Regions, check: fleet.CheckRegion}, "regions", "`NAMES` of the regions whose machines use this Redis, with commas, or * for all; default NOMAD_REGION, else that of the Nomad agent")
	doorFlags(flags, &o)
	flags.StringVar(&o.Blobs, "blobs", "", "`URL` or folder of the store of results, to serve files from [MACHINE_BLOB_URL]")
	alerts := flags.String("alerts", env("MACHINE_ALERTS"), "`FILE` of alert rules and receivers; default: all rules, written to the log [MACHINE_ALERTS]")
	o.PublicURL = env("MACHINE_PUBLIC_URL")
	flags.Func("public-url", "`URL` at which clients reach the API, for links in webhooks [MACHINE_PUBLIC_URL]", func(text string) error {
		o.PublicURL = text
		return checkPublicURL(text)
	})
	flags.Func("webhook-allow", "`NETWORK` such as 10.0.0.0/8 that webhooks may reach although it is internal, also by http; may be repeated, or a list with commas", func(text string) error {
		networks, err := netguard.ParseAllow(strings.Split(text, ","))
		o.WebhookAllow = append(o.WebhookAllow, networks...)
		return err
	})
	flags.DurationVar(&o.Interval, "interval", 5*time.Second, "time between two decisions about the pools' sizes")
	flags.DurationVar(&o.Reap, "reap", time.Second, "time between two searches for lost jobs")
	flags.DurationVar(&o.Grace, "grace", 15*time.Second, "time for requests under way when stopping")
	flags.TextVar(&level, "log-level", slog.LevelInfo, "`level` of the log: debug, info, warn or error")
	addrFile := flags.String("addr-file", "", "write the API's host:port into this `file` once it takes requests: of use with port 0 in -listen")
	show := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		return o, usageError{err}
	}
	if flags.NArg() > 0 {
		return o, usageError{fmt.Errorf("unexpected argument %q: there are flags only, see -help", flags.Arg(0))}
	}
	if *show {
		_, err := fmt.Fprintln(os.Stdout, "machine-dispatcher", version)
		return o, errors.Join(flag.ErrHelp, err)
	}
	o.Redis, o.Blobs = cmp.Or(o.Redis, env("MACHINE_REDIS_URL"), "redis://127.0.0.1:6379"), cmp.Or(o.Blobs, env("MACHINE_BLOB_URL"))
	if o.AdminTokenFile == "" {
		o.AdminToken = env("MACHINECTL_ADMIN_TOKEN")
	}
	if err := queue.CheckURL(o.Redis); err != nil {
		return o, usageError{fmt.Errorf("-redis or MACHINE_REDIS_URL: %w", err)}
	}
	if _, err := queue.Prefix(o.Redis, o.Prefix); err != nil {
		return o, usageError{fmt.Errorf("-redis-prefix or %s: %w", manifest.EnvRedisPrefix, err)}
	}
	if name := env("NOMAD_NAMESPACE"); name != "" && len(o.Namespaces) == 0 {
		if err := namespaces.Set(name); err != nil {
			return o, usageError{fmt.Errorf("NOMAD_NAMESPACE: %w", err)}
		}
	}
	if *alerts != "" {
		config, err := alertConfig(*alerts)
		if err != nil {
			return o, usageError{err}
		}
		o.Alerts = &config
	}
	if err := checkPublicURL(o.PublicURL); err != nil {
		return o, usageError{fmt.Errorf("MACHINE_PUBLIC_URL: %w", err)}
	}
	o.Logger = logger(out, level)
	if *addrFile != "" {
		o.Ready = func(addr string) {
			if err := writeWhole(*addrFile, addr+"\n"); err != nil {
				o.Logger.Error("the address can't be written", "file", *addrFile, "error", err)
			}
		}
	}
	return o, nil
}

// alertConfig reads the file of -alerts. Its diagnostics are shown without their lines, which may hold a receiver's URL.
func alertConfig(path string) (alertfile.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return alertfile.Config{}, fmt.Errorf("-alerts: the file %s can't be read: %w", path, errors.Unwrap(err))
	}
	config, diags := alertfile.Parse(path, text, alertfile.OS())
	diags = diag.Sort(diags, []string{path})
	if !diags.HasErrors() {
		return config, nil
	}
	var shown strings.Builder
	if err := (diag.Printer{}).Text(&shown, diags); err != nil {
		return config, err
	}
	return config, fmt.Errorf("-alerts: %s\n%s", diag.Count(diags), strings.TrimRight(shown.String(), "\n"))
}

// listFlag is a flag whose value is a list with commas. The last one given counts.
type listFlag struct {
	into  *[]string
	check func(string) error
}

func (f *listFlag) String() string {
	if f.into == nil {
		return ""
	}
	return strings.Join(*f.into, ",")
}

// Set implements [flag.Value].
func (f *listFlag) Set(text string) error {
	var list []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if err := f.check(name); err != nil {
			return err
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	*f.into = list
	return nil
}

// checkPublicURL refuses what isn't the URL of an API. An empty text is none.
func checkPublicURL(text string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return errors.New(`is not a URL such as "https://jobs.example.com"`)
	}
	return nil
}

// writeWhole writes a file atomically.
func writeWhole(path, text string) error {
	part := path + ".part"
	if err := os.WriteFile(part, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// logger writes for people on a terminal and JSON elsewhere.
func logger(out *os.File, level slog.Level) *slog.Logger {
	if isatty.IsTerminal(out.Fd()) {
		return slog.New(tint.NewTextHandler(out, &tint.Options{Level: level, TimeFormat: timetext.ClockLayout, ReplaceAttr: timetext.Attr, NoColor: os.Getenv("NO_COLOR") != ""}))
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
}

// Unwrap lets errors.Is see what the flag package said.
func (e usageError) Unwrap() error { return e.error }
