package standin

import (
	"net/http"

	"github.com/hashicorp/nomad/api"
)

// Tags on a job's versions. A tagged version is kept for good, and a new version made from it gets the tag too.

func (h *httpAPI) tagVersion(r *http.Request, tx *txn) (any, error) {
	rec, err := h.record(r)
	if err != nil {
		return nil, err
	}
	var req api.TagVersionRequest
	if err := decodeBody(r, &req); err != nil {
		return nil, err
	}
	name, at := r.PathValue("tag"), -1
	for i, v := range rec.versions {
		chosen := *v.Version == req.Version && !req.Latest || req.Latest && i == 0
		if v.VersionTag != nil && v.VersionTag.Name == name && !chosen {
			return nil, httpErrorf(http.StatusInternalServerError, "tag %q already exists on a different version of job %q", name, *v.ID)
		}
		if chosen {
			at = i
		}
	}
	if at < 0 {
		return nil, httpErrorf(http.StatusInternalServerError, "job %q version %d not found", r.PathValue("id"), req.Version)
	}
	tag := &api.JobVersionTag{Name: name, Description: req.Description, TaggedTime: tx.now().UnixNano()}
	tx.setTag(rec, at, tag)
	return tag, nil
}

func (h *httpAPI) untagVersion(r *http.Request, tx *txn) (any, error) {
	rec, err := h.record(r)
	if err != nil {
		return nil, err
	}
	for i, v := range rec.versions {
		if v.VersionTag != nil && v.VersionTag.Name == r.PathValue("tag") {
			tx.setTag(rec, i, nil)
			return map[string]any{}, nil
		}
	}
	return nil, httpErrorf(http.StatusInternalServerError, "tag %q not found on job %q", r.PathValue("tag"), r.PathValue("id"))
}

// setTag replaces a version by one with this tag, because readers may still hold the old one.
func (tx *txn) setTag(rec *jobRecord, at int, tag *api.JobVersionTag) {
	v := clone(rec.versions[at])
	v.VersionTag = tag
	rec.versions[at] = v
	if at == 0 {
		rec.job = v
	}
	tx.touch(tableJobs)
}

// forget drops the oldest untagged versions beyond the limit.
func (rec *jobRecord) forget() {
	kept, plain := []*api.Job{}, 0
	for _, v := range rec.versions {
		if v.VersionTag == nil {
			plain++
		}
		if v.VersionTag != nil || plain <= keptVersions {
			kept = append(kept, v)
		}
	}
	rec.versions = kept
}
