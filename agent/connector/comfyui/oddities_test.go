package comfyui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
	"github.com/emprops/machinectl/agent/connector/connectortest"
	"github.com/emprops/machinectl/queue"
)

// dataOf is a result's data.
func dataOf(t *testing.T, r queue.Result) (data resultData) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.Data, &data), "%s", r.Data)
	return data
}

func run(t *testing.T, c *Connector, workflow json.RawMessage) (queue.Result, error) {
	t.Helper()
	return c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(workflow), nil))
}

// post sends what a client in Python would.
func post(t *testing.T, addr, route, body string) {
	t.Helper()
	resp, err := http.Post("http://"+addr+route, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// TestNumbersOfPython: a node's output is valid only in Python's JSON, and the job has its result all the same.
func TestNumbersOfPython(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		for ui, want := range map[string]string{
			`{"score": [NaN]}`:                                                 `{"score": [null]}`,
			`{"score": [Infinity, -Infinity, 0.5]}`:                            `{"score": [null, null, 0.5]}`,
			`{"score": [[1, [NaN]], "NaN"]}`:                                   `{"score": [[1, [null]], "NaN"]}`,
			`{"seed": [18446744073709551615, 123456789012345678901234567890]}`: `{"seed": [18446744073709551615, 123456789012345678901234567890]}`,
			`{"word": ["half \ud800 pair"]}`:                                   `{"word": ["half � pair"]}`,
			`{"a": ["é \"NaN\" \\"], "b": [1e999]}`:                            `{"a": ["é \"NaN\" \\"], "b": [null]}`,
		} {
			began := time.Now()
			r, err := run(t, newConnector(t, addr), comfytest.Output(ui))
			require.NoError(t, err, ui)
			require.Less(t, time.Since(began), 20*time.Second, ui)
			got, err := json.Marshal(dataOf(t, r).Data["5"])
			require.NoError(t, err)
			require.JSONEq(t, want, string(got))
			require.Equal(t, digits(want), digits(string(got)), "numbers keep their digits")
		}
	})
}

func digits(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}

// TestOthersInTheQueue: another client's prompt holds what Go can't read.
func TestOthersInTheQueue(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		other := `{"client_id": "python", "prompt": {
			"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": %d, "note": [[NaN, Infinity]]}},
			"2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}, "extra_data": {"x": -Infinity, "y": "\ud800"}}`
		c := newConnector(t, addr)
		running := make(chan struct{}, 1)
		a := connectortest.Attempt(t, "comfyui", job(comfytest.Steps(color(), 30, 0.05, "no")), func(p queue.Progress) {
			select {
			case running <- struct{}{}:
			default:
			}
		})
		ended := make(chan error, 1)
		go func() {
			_, err := c.Run(t.Context(), a)
			ended <- err
		}()
		<-running
		post(t, addr, "/prompt", fmt.Sprintf(other, color()))
		post(t, addr, "/prompt", fmt.Sprintf(other, color()))
		require.NoError(t, <-ended)
		requireIdle(t, addr)
	})
}

// TestRefusalWithInfinity: a validation error shows the input's limits, Infinity among them.
func TestRefusalWithInfinity(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		_, err := run(t, newConnector(t, addr), json.RawMessage(strings.Replace(string(comfytest.Steps(color(), 1, 0.5, "no")), "0.5", `"soon"`, 1)))
		f := connector.Describe(err)
		require.Equal(t, connector.Rejected, f.Code, f.Message)
		require.Contains(t, f.Message, `SimulatedSteps "Dream" (node 2): Failed to convert an input value to a FLOAT value`)
	})
}

// spoil stands between the connector and a server and changes answers: change gets the route and the body.
func spoil(t *testing.T, addr string, change func(route string, body []byte) []byte) string {
	t.Helper()
	proxy := startProxyTo(t, addr, func(resp *http.Response) error {
		if resp.Request.URL.Path == "/ws" {
			return nil
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil {
			return err
		}
		body := change(resp.Request.Method+" "+resp.Request.URL.Path, b.Bytes())
		resp.Body = readCloser{bytes.NewReader(body)}
		resp.ContentLength = int64(len(body))
		resp.Header.Set("Content-Length", fmt.Sprint(len(body)))
		return nil
	})
	return proxy
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// hasty makes a connector impatient with answers that make no sense, but not with a slow server.
func hasty(c *Connector) *Connector {
	c = quick(c)
	c.timing.connect, c.timing.call, c.timing.silent, c.timing.stopWithin = 10*time.Second, 10*time.Second, 2*time.Second, 10*time.Second
	return c
}

// nonsense are answers that can't be read.
var nonsense = map[string]string{
	"a web page": "<!DOCTYPE html><html><body>Please log in</body></html>", "nothing": "", "null": "null", "cut off": `{"queue_running": [[0, "x"`,
	"an error": `{"error": "internal"}`, "a list": `[]`, "a word": "Bad Gateway",
}

// TestNonsenseIsNotSilence: a server whose answers can't be read is not treated as silent, and its prompt is stopped.
func TestNonsenseIsNotSilence(t *testing.T) {
	for name, body := range nonsense {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simulated(t, comfysim.Options{})
			proxy := spoil(t, s.Addr(), func(route string, said []byte) []byte {
				if route == "GET /queue" || strings.HasPrefix(route, "GET /history/") {
					return []byte(body)
				}
				return said
			})
			c := hasty(newConnector(t, proxy))
			_, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Steps(color(), 4000, 4, "no")), nil))
			f := connector.Describe(err)
			require.Equal(t, connector.Protocol, f.Code, f.Message)
			require.True(t, f.Retriable)
			requireIdle(t, s.Addr())
		})
	}
}

// TestSubmissionIsNotConfirmed: the answer to POST /prompt can't be read; the prompt runs, and is stopped.
func TestSubmissionIsNotConfirmed(t *testing.T) {
	for name, body := range nonsense {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simulated(t, comfysim.Options{})
			proxy := spoil(t, s.Addr(), func(route string, said []byte) []byte {
				if route == "POST /prompt" || route == "GET /queue" {
					return []byte(body)
				}
				return said
			})
			c := hasty(newConnector(t, proxy))
			_, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Steps(color(), 4000, 0.02, "no")), nil))
			require.Equal(t, connector.Protocol, connector.Describe(err).Code)
			requireIdle(t, s.Addr())
		})
	}
}

// TestQueueCannotBeRead, but the history can: the job ends well.
func TestQueueCannotBeRead(t *testing.T) {
	for name, body := range nonsense {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simulated(t, comfysim.Options{})
			proxy := spoil(t, s.Addr(), func(route string, said []byte) []byte {
				if route == "GET /queue" {
					return []byte(body)
				}
				return said
			})
			r, err := run(t, hasty(newConnector(t, proxy)), comfytest.Steps(color(), 20, 0.06, "no"))
			require.NoError(t, err)
			require.Len(t, r.Blobs, 1)
		})
	}
}

// TestOddItemsInTheQueue: entries of other forms are ignored.
func TestOddItemsInTheQueue(t *testing.T) {
	s := simulated(t, comfysim.Options{})
	proxy := spoil(t, s.Addr(), func(route string, said []byte) []byte {
		if route == "GET /queue" {
			return bytes.Replace(said, []byte(`"queue_pending":[`), []byte(`"queue_pending":[7,[],[1],[1,2,3,4,5],null,{"a":NaN},["x","y",{},{"client_id":5}]`), 1)
		}
		return said
	})
	r, err := run(t, newConnector(t, proxy), comfytest.Steps(color(), 20, 0.05, "no"))
	require.NoError(t, err)
	require.Len(t, r.Blobs, 1)
}

// TestRecordWithOddParts: the other parts of a prompt's record don't matter.
func TestRecordWithOddParts(t *testing.T) {
	for name, change := range map[string][2]string{
		"no messages":      {`"messages":[`, `"messages":null,"was":[`},
		"odd messages":     {`"messages":[`, `"messages":[7,["a"],["b",1,2],null,{},`},
		"status is a text": {`"status":{`, `"status":"fine","was":{`},
		"odd outputs":      {`"outputs":{`, `"outputs":{"7":null,"8":[],"9":"x","10":{"k":null},`},
		"odd meta":         {`"meta":{`, `"meta":NaN,"was":{`},
		"byte order mark":  {`{`, "\xef\xbb\xbf{"},
		"a tab in a text":  {`"meta":{`, "\"tab\":\"\t\xff\",\"meta\":{"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulated(t, comfysim.Options{})
			proxy := spoil(t, s.Addr(), func(route string, said []byte) []byte {
				if strings.HasPrefix(route, "GET /history/") {
					return bytes.Replace(said, []byte(change[0]), []byte(change[1]), 1)
				}
				return said
			})
			r, err := run(t, hasty(newConnector(t, proxy)), comfytest.Image(color()))
			require.NoError(t, err)
			require.Len(t, r.Blobs, 1)
		})
	}
}

// TestOthersPromptGoesOn: stopping a prompt leaves the other prompts alone.
func TestOthersPromptGoesOn(t *testing.T) {
	s := simulated(t, comfysim.Options{})
	first := fmt.Sprintf(`{"client_id": "other", "prompt": %s}`, comfytest.Steps(color(), 200, 0.02, "no"))
	post(t, s.Addr(), "/prompt", first)
	proxy := spoil(t, s.Addr(), func(route string, said []byte) []byte {
		if route == "GET /queue" || strings.HasPrefix(route, "GET /history/") {
			return []byte("<html>")
		}
		return said
	})
	c := hasty(newConnector(t, proxy))
	_, err := run(t, c, comfytest.Steps(color(), 4000, 0.02, "no"))
	require.Equal(t, connector.Protocol, connector.Describe(err).Code)
	requireIdle(t, s.Addr())
	resp, err := http.Get("http://" + s.Addr() + "/history")
	require.NoError(t, err)
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(b.String(), `"status_str"`), "ours was never begun")
	require.Contains(t, b.String(), `"status_str":"success"`)
}
