package diag

import (
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// Suggest returns the known word that was probably meant by given, or "" if none is near. A word is near if two of its letters
// are swapped, a few are wrong, or given is its beginning. Of several equally near words, the first wins.
func Suggest(given string, known []string) string {
	word := strings.ToLower(given)
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, candidate := range known {
		distance := distance(word, strings.ToLower(candidate))
		if distance < bestDistance && distance < len(candidate) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// distance returns how many edits lead from a to b; swapping two neighbours, leaving out the end and writing one word of several
// count as one.
func distance(a, b string) int {
	const shortest = 3 // letters that a word must have in common to count as the beginning of another
	if len(a) >= shortest && a != b && (strings.HasPrefix(b, a) || slices.Contains(strings.Split(b, "_"), a)) {
		return 1
	}
	if len(a) == len(b) {
		for i := range len(a) - 1 {
			if a[i] == b[i+1] && a[i+1] == b[i] && a[:i] == b[:i] && a[i+2:] == b[i+2:] && a != b {
				return 1
			}
		}
	}
	return levenshtein.Distance(a, b, nil)
}

// DidYouMean returns advice for an unknown word: the nearest known one, or else all known ones (if they aren't too many).
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
