package content

import "strings"

// Words describes a path in a profile's words.
func Words(path string) string {
	parts := strings.Split(strings.TrimPrefix(strings.ReplaceAll(path, order, "\x00order"), "\x00"), "\x00")
	if len(parts) > 2 && parts[0] == "Tasks" {
		owner := parts[1]
		rest := parts[2:]
		// Values of workers and services in the agent's document are described by worker or service.
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

// phrase joins a path's parts in plain words, without the parts that only Nomad's structure needs.
func phrase(parts []string) string {
	var words []string
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
		words = append(words, part)
	}
	return strings.Join(words, " ")
}

// spaced turns a Go name into lower-case words; other names stay as they are.
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
