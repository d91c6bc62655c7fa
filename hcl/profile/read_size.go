package profile

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ParseSize reads a size such as "512MiB", "4GiB" or "1.5GB" as bytes. Units: B; KiB, MiB, GiB, TiB (powers of 1024);
// kB, KB, MB, GB, TB (powers of 1000). A number without a unit is refused.
func ParseSize(s string) (int64, error) {
	text := strings.TrimSpace(s)
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit := strings.TrimSpace(text[len(digits):])
	number, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) || strings.ContainsAny(digits, "_xX+") {
		return 0, errors.New("it doesn't start with a number")
	}
	if unit == "" {
		return 0, errors.New("the unit is missing")
	}
	factor, ok := sizeUnit(unit)
	if !ok {
		return 0, errors.New("the unit " + strconv.Quote(unit) + " is unknown: use MiB, GiB or TiB")
	}
	bytes := number * factor
	if bytes < 1 || bytes >= math.MaxInt64 {
		return 0, errors.New("it must be at least one byte and at most 8 EiB")
	}
	return int64(bytes), nil
}

func sizeUnit(unit string) (float64, bool) {
	switch unit {
	case "B":
		return 1, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "TiB":
		return 1 << 40, true
	case "kB", "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	case "TB":
		return 1e12, true
	default:
		return 0, false
	}
}

// FormatSize writes bytes with the largest unit that leaves a whole number: 24GiB, 1536MiB, 24GB.
func FormatSize(bytes int64) string {
	binary, b := scaled(bytes, 1024, []string{"B", "KiB", "MiB", "GiB", "TiB"})
	decimal, d := scaled(bytes, 1000, []string{"B", "kB", "MB", "GB", "TB"})
	if d < b {
		return strconv.FormatInt(d, 10) + decimal
	}
	return strconv.FormatInt(b, 10) + binary
}

func scaled(n, base int64, units []string) (unit string, rest int64) {
	i := 0
	for i < len(units)-1 && n != 0 && n%base == 0 {
		n /= base
		i++
	}
	return units[i], n
}
