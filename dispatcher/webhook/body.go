package webhook

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/emprops/machinectl/queue"
)

// Body is what a receiver gets. It refers to the job and is under 20 KB.
type Body struct {
	Type      string    `json:"type"`      // job.completed, job.failed, job.dead, job.cancelled
	Timestamp time.Time `json:"timestamp"` // when the job ended
	Data      Data      `json:"data"`
}

// Data refers to a job.
type Data struct {
	ID     string      `json:"id"`
	Type   string      `json:"type"`
	State  queue.State `json:"state"`
	Class  string      `json:"class"`
	Tenant string      `json:"tenant,omitempty"`
	// Error is the code of the error that ended the job, a word such as "timeout".
	Error string `json:"error,omitempty"`
	// Job is where the whole job is: its result, error and history.
	Job string `json:"job"`
	// Results are the files of a completed job's result, at most maxResults; MoreResults counts the others.
	Results     []Result `json:"results,omitempty"`
	MoreResults int      `json:"more_results,omitempty"`
}

// Result is one file of a result.
type Result struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type,omitempty"`
	Size        int64  `json:"size"`
	URL         string `json:"url"`
}

const (
	maxResults = 20
	maxBody    = 20_000 // bytes
	maxCode    = 100    // bytes of an error's code
)

// makeBody describes a job's end. job is nil if it was deleted meanwhile.
func makeBody(e queue.JobEnd, job *queue.Job, base string) ([]byte, error) {
	at := base + "/v1/jobs/" + url.PathEscape(e.JobID)
	b := Body{Type: "job." + string(e.State), Timestamp: e.At, Data: Data{ID: e.JobID, State: e.State, Class: e.Class, Tenant: e.Tenant, Job: at}}
	b.Data.Type = queue.TypeOf(e.JobID)
	if job != nil && job.State == e.State {
		if job.Error != nil {
			b.Data.Error = job.Error.Code[:min(len(job.Error.Code), maxCode)]
		}
		if job.Result != nil {
			for _, blob := range job.Result.Blobs {
				b.Data.Results = append(b.Data.Results, Result{Name: blob.Name, ContentType: blob.ContentType, Size: blob.Size, URL: at + "/blobs/" + url.PathEscape(blob.Name)})
			}
		}
	}
	all := b.Data.Results
	for n := min(len(all), maxResults); ; n /= 2 {
		b.Data.Results, b.Data.MoreResults = all[:n], len(all)-n
		text, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("a webhook's body: %w", err)
		}
		if len(text) < maxBody || n == 0 {
			return text, nil
		}
	}
}
