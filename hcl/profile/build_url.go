package profile

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/redisurl"
)

// queueURL reports what is wrong with the URL of a queue. It quotes nothing of a sensitive URL: for the profile's disguise, it
// reports the text that the check of the profile itself has left in discreet.
func (l *loader) queueURL(what, text string, at hcl.Range) {
	u, err := redisurl.Parse(text)
	if err == nil {
		for _, file := range u.Files() {
			l.checkPath(file, at)
		}
		return
	}
	detail := err.Problem
	if strings.Contains(text, Hidden) {
		detail = l.discreet[at]
	} else {
		l.discreet[at] = err.Discreet
	}
	l.report(diag.Error(at, what+" is not a Redis URL", "It "+detail+".", "Write, for example, \"redis://host:6379\"."))
}

// storeURL reports what is wrong with the URL of a store for results.
func storeURL(what, text string, at hcl.Range) *hcl.Diagnostic {
	say := func(detail string) *hcl.Diagnostic {
		return diag.Error(at, what+" is not the URL of a store for results", detail, "Write, for example, \"file:///srv/blobs\" or \"s3://bucket\".")
	}
	u, detail := parseURL(text)
	switch {
	case detail != "":
		return say(detail)
	case u.Scheme == "file" && (u.Host != "" || !path.IsAbs(u.Path)):
		return say("file:// is followed by an absolute path, so there are three slashes.")
	case u.Scheme == "file" && path.Clean(u.Path) == "/":
		return say("It is the root of all folders. Results have one of their own.")
	case u.Scheme == "file" && misreads(u.Path) != "":
		return say(misreads(u.Path))
	case u.Scheme == "file" && u.RawQuery != "":
		return say("A folder has no options.")
	case u.Scheme == "s3" && u.Host == "":
		return say("The bucket's name is missing behind s3://.")
	case u.User != nil:
		return say("It has a user or a password. Credentials are in the agent's environment, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
	case u.Fragment != "":
		return say("It has a # in it, and what follows that means nothing.")
	case u.Scheme == "s3":
		if wrong := bucketOptions(u.RawQuery); wrong != "" {
			return say(wrong)
		}
		return nil
	case u.Scheme == "gs" || u.Scheme == "gcs":
		return say("There is no store of this kind. Google Cloud Storage can be used through S3's protocol: s3://bucket?endpoint=https://storage.googleapis.com&region=auto.")
	case u.Scheme != "file":
		return say("A store is a folder, file:///path, or a bucket, s3://bucket.")
	default:
		return nil
	}
}

// misreads is [misread] without advice, for the path of a URL: there, ~ comes after a slash.
func misreads(text string) string {
	if wrong, _ := misread(strings.TrimPrefix(text, "/")); wrong != "" {
		return wrong
	}
	wrong, _ := misread(text)
	return wrong
}

// bucketOptions describes what is wrong with the options of an S3 store, or returns "".
func bucketOptions(query string) string {
	options, err := url.ParseQuery(query)
	if err != nil {
		return "Its options can't be read. They are written ?name=value&name=value."
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		switch value := options[name][0]; {
		case name != "region" && name != "endpoint" && name != "path_style":
			return fmt.Sprintf("An S3 store has no option %q; it has region, endpoint and path_style.", name)
		case len(options[name]) > 1:
			return fmt.Sprintf("It has the option %s twice.", name)
		case value == "":
			return fmt.Sprintf("The option %s has no value.", name)
		case name == "path_style" && value != "true" && value != "false":
			return "The option path_style is true or false."
		case name == "endpoint" && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://"):
			return "The option endpoint is a URL that starts with https:// or http://."
		}
	}
	return ""
}

// parseURL parses a URL. If that fails, it describes what is wrong, without repeating the URL.
func parseURL(text string) (u *url.URL, wrong string) {
	scheme, rest, ok := strings.Cut(text, ":")
	switch {
	case strings.ContainsAny(text, " \t\n\""):
		return nil, "A URL has no spaces or quotation marks."
	case !ok || strings.HasPrefix(text, "/"):
		return nil, "A URL starts with its kind and ://."
	case !strings.HasPrefix(rest, "//") && strings.HasPrefix(rest, "/"):
		return nil, fmt.Sprintf("Behind %s: come two slashes, and here is one.", scheme)
	case !strings.HasPrefix(rest, "//"):
		return nil, "A URL starts with its kind and ://."
	}
	u, err := url.Parse(text)
	if err != nil {
		host, _, _ := strings.Cut(rest[2:], "/")
		if i := strings.LastIndexByte(host, ':'); i >= 0 && !digits(host[i+1:]) {
			return nil, "Behind the host and a colon comes the number of a port."
		}
		return nil, "It has a character that must be written as % and two hexadecimal digits."
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Sprintf("The port is %s, and ports go from 1 to 65535.", port)
		}
	}
	return u, ""
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// redisParameters documents the parameters of a queue's URL.
func redisParameters() string {
	return "Behind a ? it may have " + strings.Join(redisurl.Parameters(), ", ") + "."
}
