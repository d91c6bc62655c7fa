package dispatcher_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// TestAlerts: what is wrong reaches a receiver and the API: a Nomad that can't be read, and a job that is dead until it is
// requeued. Another dispatcher on the same Redis shows the same.
func TestAlerts(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	told := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			Rule    string `json:"rule"`
			Subject string `json:"subject"`
			State   string `json:"state"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			told <- err.Error()
			return
		}
		told <- body.Rule + " " + body.Subject + " " + body.State
	}))
	t.Cleanup(receiver.Close)
	config := alertfile.Config{Receivers: []alertfile.Receiver{{Name: "ops", Kind: alertfile.Webhook, URL: receiver.URL}}}
	for _, r := range alertfile.Rules() {
		r.For = 0
		config.Rules = append(config.Rules, alertfile.Setting{Rule: r, Receivers: []string{"ops"}})
	}
	o := dispatcher.Options{Redis: redis.URL, NomadAddr: "http://127.0.0.1:1", Alerts: &config, Interval: 50 * time.Millisecond, Survey: 50 * time.Millisecond, Reap: 10 * time.Millisecond}
	first, _ := run(t, o)
	second, _ := run(t, o)
	hears := func(want string) {
		t.Helper()
		for deadline := time.After(30 * time.Second); ; {
			select {
			case got := <-told:
				if got == want {
					return
				}
			case <-deadline:
				require.Fail(t, "the receiver was not told", want)
			}
		}
	}
	hears("nomad_down Nomad firing")
	require.Eventually(t, func() bool {
		status, _ := call(t, "POST", first+"/v1/jobs", map[string]any{"type": "simulation", "deadline": time.Now().Add(50 * time.Millisecond)})
		return status == http.StatusCreated
	}, 30*time.Second, 50*time.Millisecond)
	hears("dead_letters type simulation firing")
	for _, url := range []string{first, second} {
		var out map[string]any
		require.Eventually(t, func() bool { // receivers are told before the alerts are kept
			_, out = call(t, "GET", url+"/v1/alerts", nil)
			alerts, _ := out["alerts"].([]any)
			return len(alerts) == 2
		}, time.Minute, 10*time.Millisecond, "%v", &out)
		require.NotEmpty(t, out["judged_at"])
	}
	client, err := queue.Open(t.Context(), queue.Options{URL: redis.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	dead, _, err := client.List(t.Context(), queue.ListFilter{State: queue.Dead})
	require.NoError(t, err)
	for _, j := range dead {
		_, err := client.Requeue(t.Context(), j.ID)
		require.NoError(t, err)
	}
	hears("dead_letters type simulation resolved")
}
