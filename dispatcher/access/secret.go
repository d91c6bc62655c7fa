package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

const (
	idBytes     = 8  // 64 bits: tokens are few
	secretBytes = 32 // 256 bits
)

var (
	tokenText = regexp.MustCompile(`^mctl_([a-z2-7]{13})_[a-z2-7]{52}$`)
	tokenID   = regexp.MustCompile(`^[a-z2-7]{13}$`)
)

// digest is the SHA-256 of a token's text.
type digest [sha256.Size]byte

func digestOf(token string) digest { return sha256.Sum256([]byte(token)) }

// parseDigest reads the hexadecimal form.
func parseDigest(text string) (digest, error) {
	var d digest
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(d) {
		return d, fmt.Errorf("not a SHA-256: want %d hexadecimal digits", 2*len(d))
	}
	copy(d[:], b)
	return d, nil
}

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// equal compares in constant time.
func (d digest) equal(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// newID returns a random token id.
func newID() string { return randomText(idBytes) }

// newSecret returns the text of a new token with this id.
func newSecret(id string) string { return "mctl_" + id + "_" + randomText(secretBytes) }

func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // documented never to fail
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// idOf returns the id in a token's text, or "" if it isn't one.
func idOf(token string) string {
	m := tokenText.FindStringSubmatch(token)
	if m == nil {
		return ""
	}
	return m[1]
}
