package profile

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// queueURL reports what is wrong with the URL of a queue. It doesn't repeat the URL, which may contain a password.
func queueURL(text string, at hcl.Range) *hcl.Diagnostic {
	say := func(detail string) *hcl.Diagnostic {
		return diag.Error(at, "The agent's redis is not a Redis URL", detail, "Write, for example, redis = \"redis://host:6379\".")
	}
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		u, detail := parseURL(one)
		switch {
		case detail != "":
			return say(detail)
		case u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix":
			return say("It starts with redis://, rediss:// or unix://; several, joined by commas, are a cluster.")
		case u.Scheme == "unix":
			if !path.IsAbs(u.Path) {
				return say("Behind unix:// comes the socket's absolute path, so there are three slashes.")
			}
		case u.Hostname() == "":
			return say("The host is missing behind " + u.Scheme + "://.")
		case strings.Trim(u.Path, "/") != "":
			if n, err := strconv.Atoi(strings.Trim(u.Path, "/")); err != nil || n < 0 {
				return say("Behind the host and a slash comes the number of a database, or nothing.")
			}
		}
	}
	return nil
}

// storeURL reports what is wrong with the URL of a store for results.
func storeURL(text string, at hcl.Range) *hcl.Diagnostic {
	say := func(detail string) *hcl.Diagnostic {
		return diag.Error(at, "The agent's blobs is not the URL of a store for results", detail, "Write, for example, blobs = \"file:///srv/blobs\" or \"s3://bucket\".")
	}
	u, detail := parseURL(text)
	switch {
	case detail != "":
		return say(detail)
	case u.Scheme == "file" && (u.Host != "" || !path.IsAbs(u.Path)):
		return say("Behind file:// comes an absolute path, so there are three slashes.")
	case u.Scheme == "file" && u.RawQuery != "":
		return say("A folder has no options.")
	case u.Scheme == "s3" && u.Host == "":
		return say("The bucket's name is missing behind s3://.")
	case u.Scheme == "s3":
		for name, values := range u.Query() {
			switch {
			case name != "region" && name != "endpoint" && name != "path_style":
				return say(fmt.Sprintf("An S3 store has no option %q; it has region, endpoint and path_style.", name))
			case name == "path_style" && values[0] != "true" && values[0] != "false":
				return say("The option path_style is true or false.")
			}
		}
		return nil
	case u.Scheme == "gs" || u.Scheme == "gcs":
		return say("There is no store of this kind. Google's takes the words of S3 too: s3://bucket?endpoint=https://storage.googleapis.com&region=auto.")
	case u.Scheme != "file":
		return say("A store is a folder, file:///path, or a bucket, s3://bucket.")
	default:
		return nil
	}
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
