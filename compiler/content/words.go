package content

import "strings"

// Words says a path as a profile would.
func Words(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "\x00"), "\x00")
	if len(parts) > 2 && parts[0] == "Tasks" {
		owner := parts[1]
		rest := parts[2:]
		// The agent's document: what it says of workers and services is theirs.
		if len(rest) > 2 && rest[0] == "Templates" && rest[2] == "EmbeddedTmpl" {
			rest = rest[3:]
			if len(rest) > 2 && (rest[0] == "workers" || rest[0] == "services") {
				return strings.TrimSuffix(rest[0], "s") + " " + rest[1] + ": " + phrase(rest[2:])
			}
			if len(rest) == 0 {
				return owner + ": secrets"
			}
		}
		return owner + ": " + phrase(rest)
	}
	return phrase(parts)
}

// phrase joins a path's parts, each said plainly, without those that only Nomad's structure needs.
func phrase(parts []string) string {
	var said []string
	for _, part := range parts {
		switch part {
		case "Config", "Resources", "Networks", "0":
			continue
		case "MemoryMB":
			part = "memory (MiB)"
		case "CPU":
			part = "cpu (MHz)"
		case "EphemeralDisk", "SizeMB":
			part = map[string]string{"EphemeralDisk": "disk", "SizeMB": "(MiB)"}[part]
		case "LTarget":
			part = "attribute"
		case "RTarget":
			part = "value"
		case "Operand":
			part = "operator"
		default:
			part = spaced(part)
		}
		said = append(said, part)
	}
	return strings.Join(said, " ")
}

// spaced writes a Go name in lower-case words; what is no such name stays.
func spaced(name string) string {
	if name == "" || name[0] < 'A' || name[0] > 'Z' || strings.ContainsAny(name, " _-./$") || strings.ToUpper(name) == name {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte(' ')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
