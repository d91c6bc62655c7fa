package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestAuditLog(t *testing.T) {
	server := queuetest.StartRedis(t)
	d := open(t, server.URL, func(o *access.Options) { o.Timeout = 500 * time.Millisecond })
	const all = 700
	for n := range all {
		ctx, fill := access.WithChange(t.Context())
		access.Change(ctx, map[string]int{"n": n}, nil)
		r := access.Record{Who: fmt.Sprint("who", n%7), Action: "pauseType", Target: "comfyui", Status: 200}
		if n == 3 {
			access.Target(ctx, "other")
		}
		fill(&r)
		d.Audit.Write(ctx, r)
	}
	page, next, err := d.Audit.List(t.Context(), access.Filter{})
	require.NoError(t, err)
	require.Len(t, page, 50)
	require.Equal(t, "who6", page[0].Who, "newest first")
	require.JSONEq(t, `{"n": 699}`, string(page[0].Before))
	require.Nil(t, page[0].After)
	require.WithinDuration(t, time.Now(), page[0].At, time.Minute)
	require.Equal(t, next, page[49].ID)

	seen := map[string]bool{}
	for cursor := ""; ; {
		page, next, err := d.Audit.List(t.Context(), access.Filter{Who: "who1", Limit: 30, Cursor: cursor})
		require.NoError(t, err)
		for _, r := range page {
			require.False(t, seen[r.ID])
			require.Equal(t, "who1", r.Who)
			seen[r.ID] = true
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	require.Len(t, seen, all/7)
	page, _, err = d.Audit.List(t.Context(), access.Filter{Target: "other"})
	require.NoError(t, err)
	require.Len(t, page, 1)
	page, next, err = d.Audit.List(t.Context(), access.Filter{Action: "drainMachine"})
	require.NoError(t, err)
	require.Empty(t, page)
	require.Empty(t, next)
	for _, f := range []access.Filter{{Cursor: "x"}, {Cursor: "1-2-3"}, {Limit: 501}, {Limit: -1}} {
		_, _, err = d.Audit.List(t.Context(), f)
		var invalid *queue.InvalidError
		require.ErrorAs(t, err, &invalid)
	}

	ctx, fill := access.WithChange(t.Context())
	access.Change(ctx, strings.Repeat("x", 30_000), "short")
	r := access.Record{Who: "me", Action: "large"}
	fill(&r)
	require.JSONEq(t, `{"omitted": "30002 bytes"}`, string(r.Before))
	require.JSONEq(t, `"short"`, string(r.After))
	access.Change(t.Context(), 1, 2) // a request that isn't recorded

	server.Kill()
	d.Audit.Write(ctx, r)
	require.Contains(t, d.log.String(), `msg="audit record not written" who=me`, "what Redis can't take is in the log")
	_, _, err = d.Audit.List(t.Context(), access.Filter{})
	require.ErrorIs(t, err, queue.ErrUnavailable)
}
