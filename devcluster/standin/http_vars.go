package standin

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/nomad/api"
)

func (h *httpAPI) varRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/vars", h.query(h.listVars, tableVars))
	mux.HandleFunc("GET /v1/var/{path...}", h.query(h.readVar, tableVars))
	for _, method := range []string{"PUT ", "POST "} {
		mux.HandleFunc(method+"/v1/var/{path...}", h.change(h.putVar))
	}
	mux.HandleFunc("DELETE /v1/var/{path...}", h.deleteVar)
}

func varKey(r *http.Request) jobKey { return jobKey{namespaceOf(r), r.PathValue("path")} }

func (h *httpAPI) listVars(r *http.Request) (any, error) {
	out := []*api.VariableMetadata{}
	for k, v := range h.store.vars {
		if inNamespace(r, k.namespace) && strings.HasPrefix(k.id, r.URL.Query().Get("prefix")) {
			out = append(out, &api.VariableMetadata{
				Namespace: v.Namespace, Path: v.Path, CreateIndex: v.CreateIndex, ModifyIndex: v.ModifyIndex, CreateTime: v.CreateTime, ModifyTime: v.ModifyTime,
			})
		}
	}
	slices.SortFunc(out, func(a, b *api.VariableMetadata) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func (h *httpAPI) readVar(r *http.Request) (any, error) {
	if v := h.store.vars[varKey(r)]; v != nil {
		return v, nil
	}
	return nil, httpErrorf(http.StatusNotFound, "variable not found")
}

// checkVar checks the condition of a compare-and-set of a variable. A conflict answers 409.
func (s *store) checkVar(r *http.Request, k jobKey) error {
	cas := r.URL.Query().Get("cas")
	if cas == "" {
		return nil
	}
	want, err := strconv.ParseUint(cas, 10, 64)
	if err != nil {
		return httpErrorf(http.StatusBadRequest, "can not parse cas value %q", cas)
	}
	have := uint64(0)
	if v := s.vars[k]; v != nil {
		have = v.ModifyIndex
	}
	if want != have {
		return &conflictError{s.vars[k]}
	}
	return nil
}

// conflictError answers 409 with the current variable, or an empty one.
type conflictError struct{ current *api.Variable }

func (e *conflictError) Error() string { return "cas conflict" }

func (h *httpAPI) putVar(r *http.Request, tx *txn) (any, error) {
	for _, lock := range []string{"lock-acquire", "lock-release", "lock-renew"} {
		if r.URL.Query().Has(lock) {
			return nil, httpErrorf(http.StatusNotImplemented, "devcluster's stand-in has no locks on variables")
		}
	}
	var v api.Variable
	if err := decodeBody(r, &v); err != nil {
		return nil, err
	}
	k := varKey(r)
	if v.Path != "" && v.Path != k.id {
		return nil, httpErrorf(http.StatusBadRequest, "variable path does not match request path")
	}
	if err := tx.checkVar(r, k); err != nil {
		return nil, err
	}
	now := tx.now().UnixNano()
	stored := &api.Variable{Namespace: k.namespace, Path: k.id, Items: maps.Clone(v.Items), CreateIndex: tx.index, ModifyIndex: tx.index, CreateTime: now, ModifyTime: now}
	if old := tx.vars[k]; old != nil {
		stored.CreateIndex, stored.CreateTime = old.CreateIndex, old.CreateTime
	}
	tx.vars[k] = stored
	tx.touch(tableVars)
	return stored, nil
}

func (h *httpAPI) deleteVar(w http.ResponseWriter, r *http.Request) {
	index, err := h.store.write(func(tx *txn) error {
		k := varKey(r)
		if err := tx.checkVar(r, k); err != nil {
			return err
		}
		if tx.vars[k] != nil {
			delete(tx.vars, k)
			tx.touch(tableVars)
		}
		return nil
	})
	if err != nil {
		h.answer(w, index, nil, err)
		return
	}
	w.Header().Set("X-Nomad-Index", strconv.FormatUint(index, 10))
	w.WriteHeader(http.StatusNoContent)
}
