package queue

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRecordFields: each field of a record but its id has one row, and is read from the row's place in the text.
func TestRecordFields(t *testing.T) {
	var r record
	fields := map[uintptr]string{}
	for v, i := reflect.ValueOf(&r).Elem(), 0; i < v.NumField(); i++ {
		if name := v.Type().Field(i).Name; name != "id" {
			fields[v.Field(i).Addr().Pointer()] = name
		}
	}
	text := make([]string, len(recordFields))
	for i, f := range recordFields {
		p := reflect.ValueOf(f.in(&r)).Pointer()
		require.Equal(t, strings.ToUpper(fields[p]), strings.ReplaceAll(f.name, "_", ""))
		delete(fields, p)
		switch f.in(&r).(type) {
		case *State:
			text[i] = "r"
		default:
			text[i] = strings.Repeat("1", 1+i%5) // a text, too
		}
	}
	require.Empty(t, fields, "fields without a row")
	got, err := parseRecord("simulation-1", strings.Join(text, "\t"))
	require.NoError(t, err)
	require.Equal(t, Running, got.state)
	for i, f := range recordFields[1:] {
		require.Equal(t, text[i+1], fmt.Sprint(reflect.ValueOf(f.in(got)).Elem()), f.name)
	}

	_, err = parseRecord("simulation-1", strings.Join(text[1:], "\t"))
	require.EqualError(t, err, "queue: the record of job simulation-1 has 23 fields, this program reads 24")
	text[1] = "one"
	_, err = parseRecord("simulation-1", strings.Join(text, "\t"))
	require.ErrorContains(t, err, "queue: the record of job simulation-1, field REV: ")
}
