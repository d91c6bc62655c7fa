package diag

import (
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// Suggest returns the known word that given was probably meant to be, or "" when none is near. The first of several
// equally near ones wins.
func Suggest(given string, known []string) string {
	best, bestDistance := "", max(2, len(given)/3+1)
	for _, candidate := range known {
		if strings.EqualFold(given, candidate) {
			return candidate
		}
		distance := levenshtein.Distance(strings.ToLower(given), strings.ToLower(candidate), nil)
		if distance < bestDistance && distance < len(candidate) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// DidYouMean is advice for an unknown word: the nearest known one, or else all known ones (if they aren't too many).
func DidYouMean(given string, known []string) string {
	if near := Suggest(given, known); near != "" {
		return "Did you mean " + strconv.Quote(near) + "?"
	}
	const readable = 20
	if len(known) == 0 || len(known) > readable {
		return ""
	}
	return "Known here: " + strings.Join(known, ", ") + "."
}
