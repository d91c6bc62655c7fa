package compiler

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/profile"
)

// Stamp records in the pool's policy the version of the program that compiled it, and a digest of the profile's machine.
// If the revision differs from a running one although the digest is the same, the program caused the change. The policy
// holds these because a change of the policy restarts nothing.
func (p *Pool) Stamp(version string) error {
	p.Policy.Compiler, p.Policy.Input = version, inputOf(p.Source)
	scaling, err := scalingBlock(p.Policy, p.Policy.Max)
	if err != nil {
		return err
	}
	p.Group().Scaling = scaling
	return nil
}

// inputOf returns a digest of what a pool's revision is made from: the machine and where it may run. It covers neither
// positions in files nor empty fields, so that a new field in the language changes no digest.
func inputOf(pool *profile.Pool) string {
	var b strings.Builder
	digest(&b, reflect.ValueOf(struct {
		Name       string
		Machine    *profile.Machine
		Placement  profile.Placement
		NomadBlock *profile.NomadBlock
	}{pool.Name, pool.Machine, pool.Placement, pool.NomadBlock}))
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:8])
}

// digest writes plain data in a canonical form: maps in the order of their keys, and no zero values.
func digest(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			b.WriteByte('&')
			digest(b, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			var inner strings.Builder
			if field.IsExported() && field.Type != reflect.TypeFor[hcl.Range]() && !v.Field(i).IsZero() {
				digest(&inner, v.Field(i))
			}
			if inner.Len() > 0 {
				fmt.Fprintf(b, "%s{%s}", field.Name, inner.String())
			}
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(x, y reflect.Value) int { return cmp.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
		for _, key := range keys {
			fmt.Fprintf(b, "%q:{", fmt.Sprint(key))
			digest(b, v.MapIndex(key))
			b.WriteByte('}')
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			b.WriteByte('[')
			digest(b, v.Index(i))
			b.WriteByte(']')
		}
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprintf(b, "%s(%v)", v.Kind(), v)
	}
}
