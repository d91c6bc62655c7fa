package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/dispatcher/webhook"
	"github.com/emprops/machinectl/queue"
)

// A view has every field of what it shows: both have the same JSON when no field is empty.
func TestViewsForgetNothing(t *testing.T) {
	var (
		sub     client.Submission
		job     queue.Job
		event   queue.Event
		why     queue.Explanation
		pool    resize.PoolView
		machine queue.Machine
		deliver queue.Delivery
		off     queue.DisabledEndpoint
		secret  webhook.Secret
	)
	for _, v := range []any{&sub, &job, &event, &why, &pool, &machine, &deliver, &off, &secret} {
		n := 0
		fill(reflect.ValueOf(v).Elem(), &n)
	}
	for _, pair := range []struct{ of, view any }{
		{sub, submissionOf(&sub)},
		{job, jobView(&job)},
		{event, eventView(&event)},
		{why, explanationView(&why)},
		{pool, poolView(&pool)},
		{machine, machineView(&machine)},
		{deliver, deliveryView(&deliver)},
		{off, endpointView(&off)},
		{secret, secretView(&secret)},
	} {
		want, err := json.Marshal(pair.of)
		require.NoError(t, err)
		got, err := json.Marshal(pair.view)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got), "%T", pair.of)
	}
}

// fill gives every exported field a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 0).UTC()))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(fmt.Sprintf(`{"n":%d}`, *n))))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, n)
		v.SetMapIndex(reflect.ValueOf(fmt.Sprint("k", *n)).Convert(v.Type().Key()), value)
	case reflect.String:
		v.SetString(fmt.Sprint("s", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.5)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Interface:
		v.Set(reflect.ValueOf(fmt.Sprint("any", *n)))
	default:
		panic("no value for " + v.Type().String())
	}
}
