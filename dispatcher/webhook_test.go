package dispatcher_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/queue/queuetest"
)

// A job's webhook through the whole dispatcher: a secret, a submission, its end, and a signed request with a link to the job.
func TestWebhook(t *testing.T) {
	t.Parallel()
	type request struct {
		header http.Header
		body   []byte
	}
	got := make(chan request, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		got <- request{r.Header.Clone(), body}
	}))
	t.Cleanup(receiver.Close)
	redis := queuetest.StartRedis(t)
	nomad := nomadtest.Start(t).Address()
	url, _ := run(t, dispatcher.Options{
		Redis: redis.URL, NomadAddr: nomad, PublicURL: "https://jobs.example/", WebhookAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	post := func(path, body string, into any) {
		require.Eventually(t, func() bool { // until the dispatcher has reached Redis
			req, err := http.NewRequest(http.MethodPost, url+path, strings.NewReader(body))
			if err != nil {
				return false
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+adminToken)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			return err == nil && resp.StatusCode < 300 && json.Unmarshal(text, into) == nil
		}, 30*time.Second, 20*time.Millisecond, path)
	}
	var secret struct{ Secret string }
	var job struct{ ID string }
	post("/v1/webhooks/secrets", `{}`, &secret)
	post("/v1/jobs", `{"type": "simulation", "webhook": "`+receiver.URL+`"}`, &job)
	post("/v1/jobs/"+job.ID+"/cancel", `{}`, &job)
	select {
	case r := <-got:
		wh, err := standardwebhooks.NewWebhook(secret.Secret)
		require.NoError(t, err)
		require.NoError(t, wh.Verify(r.body, r.header))
		require.Contains(t, string(r.body), `"job":"https://jobs.example/v1/jobs/`+job.ID+`"`)
	case <-time.After(30 * time.Second):
		require.Fail(t, "no webhook arrived")
	}
}
