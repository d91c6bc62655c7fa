package standin

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"
)

func (h *httpAPI) clusterRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/nodes", h.query(func(*http.Request) (any, error) {
		return []*api.NodeListStub{h.store.node.stub()}, nil
	}, tableNodes))
	mux.HandleFunc("GET /v1/node/{id}", h.query(h.readNode, tableNodes))
	mux.HandleFunc("GET /v1/node/{id}/allocations", h.query(h.nodeAllocs, tableAllocs))
	mux.HandleFunc("GET /v1/agent/self", h.agentSelf)
	mux.HandleFunc("GET /v1/agent/health", h.fixed(func() any {
		ok := &api.AgentHealth{Ok: true, Message: "ok"}
		return api.AgentHealthResponse{Client: ok, Server: ok}
	}))
	mux.HandleFunc("GET /v1/agent/members", h.fixed(func() any {
		return api.ServerMembers{ServerName: h.store.node.name, ServerRegion: region, ServerDC: datacenter, Members: []*api.AgentMember{h.member()}}
	}))
	mux.HandleFunc("GET /v1/status/leader", h.fixed(func() any { return h.store.node.addr }))
	mux.HandleFunc("GET /v1/status/peers", h.fixed(func() any { return []string{h.store.node.addr} }))
	mux.HandleFunc("GET /v1/regions", h.fixed(func() any { return []string{region} }))
	mux.HandleFunc("GET /v1/namespaces", h.query(h.listNamespaces, tableNamespaces))
	mux.HandleFunc("GET /v1/namespace/{name}", h.query(h.readNamespace, tableNamespaces))
	for _, method := range []string{"PUT ", "POST "} {
		mux.HandleFunc(method+"/v1/namespace", h.change(h.putNamespace))
		mux.HandleFunc(method+"/v1/namespace/{name}", h.change(h.putNamespace))
	}
	mux.HandleFunc("DELETE /v1/namespace/{name}", h.change(h.deleteNamespace))
	mux.HandleFunc("GET /v1/services", h.query(h.listServices, tableServices))
	mux.HandleFunc("GET /v1/service/{name}", h.query(h.readService, tableServices))
}

func (h *httpAPI) fixed(v func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { h.answer(w, 1, v(), nil) }
}

func (h *httpAPI) readNode(r *http.Request) (any, error) {
	if r.PathValue("id") != h.store.node.id {
		return nil, httpErrorf(http.StatusNotFound, "node not found")
	}
	return h.store.node.api(), nil
}

func (h *httpAPI) nodeAllocs(r *http.Request) (any, error) {
	if r.PathValue("id") != h.store.node.id {
		return []*api.Allocation{}, nil
	}
	return slices.Collect(maps.Values(h.store.allocs)), nil
}

func (h *httpAPI) member() *api.AgentMember {
	return &api.AgentMember{Name: h.store.node.name + "." + region, Addr: "127.0.0.1", Status: "alive", Tags: map[string]string{
		"role": "nomad", "region": region, "dc": datacenter, "build": nomadVersion, "standin": "true",
	}}
}

func (h *httpAPI) agentSelf(w http.ResponseWriter, _ *http.Request) {
	out := api.AgentSelf{
		Config: map[string]any{
			"Region": region, "Datacenter": datacenter, "NodeName": h.store.node.name,
			"ACL":     map[string]any{"Enabled": false},
			"Version": map[string]any{"Version": nomadVersion, "VersionMetadata": "standin"},
			"Client":  map[string]any{"Enabled": true, "MaxKillTimeout": maxKillTimeout.String()},
		},
		Member: *h.member(),
		Stats:  map[string]map[string]string{"nomad": {"server": "true", "leader": "true"}, "client": {"node_id": h.store.node.id}},
	}
	h.answer(w, 1, out, nil)
}

func (s *store) hasNamespace(name string) bool { return s.namespaces[name] != nil }

func (h *httpAPI) listNamespaces(*http.Request) (any, error) {
	out := []*api.Namespace{}
	for _, name := range slices.Sorted(maps.Keys(h.store.namespaces)) {
		out = append(out, h.store.namespaces[name])
	}
	return out, nil
}

func (h *httpAPI) readNamespace(r *http.Request) (any, error) {
	if ns := h.store.namespaces[r.PathValue("name")]; ns != nil {
		return ns, nil
	}
	return nil, httpErrorf(http.StatusNotFound, "Namespace not found")
}

func (h *httpAPI) putNamespace(r *http.Request, tx *txn) (any, error) {
	var ns api.Namespace
	if err := decodeBody(r, &ns); err != nil {
		return nil, err
	}
	if name := r.PathValue("name"); ns.Name == "" || name != "" && name != ns.Name {
		return nil, httpErrorf(http.StatusBadRequest, "Namespace name does not match request path")
	}
	ns.CreateIndex, ns.ModifyIndex = tx.index, tx.index
	if old := tx.namespaces[ns.Name]; old != nil {
		ns.CreateIndex = old.CreateIndex
	}
	tx.namespaces[ns.Name] = &ns
	tx.touch(tableNamespaces)
	return noBody{}, nil
}

func (h *httpAPI) deleteNamespace(r *http.Request, tx *txn) (any, error) {
	name := r.PathValue("name")
	switch {
	case name == "default":
		return nil, httpErrorf(http.StatusBadRequest, "can not delete default namespace")
	case tx.namespaces[name] == nil:
		return nil, httpErrorf(http.StatusNotFound, "namespace %q not found", name)
	}
	for k, rec := range tx.jobs {
		if k.namespace == name && deref(rec.job.Status) != jobDead {
			return nil, httpErrorf(http.StatusInternalServerError, "namespace %q has non-terminal jobs", name)
		}
	}
	delete(tx.namespaces, name)
	tx.touch(tableNamespaces)
	return noBody{}, nil
}

func (h *httpAPI) listServices(r *http.Request) (any, error) {
	tags := map[string]map[string][]string{} // namespace → service → tags
	for _, s := range h.store.service {
		if !inNamespace(r, s.Namespace) {
			continue
		}
		if tags[s.Namespace] == nil {
			tags[s.Namespace] = map[string][]string{}
		}
		tags[s.Namespace][s.ServiceName] = append(tags[s.Namespace][s.ServiceName], s.Tags...)
	}
	out := []*api.ServiceRegistrationListStub{}
	for _, ns := range slices.Sorted(maps.Keys(tags)) {
		list := &api.ServiceRegistrationListStub{Namespace: ns}
		for _, name := range slices.Sorted(maps.Keys(tags[ns])) {
			t := tags[ns][name]
			slices.Sort(t)
			list.Services = append(list.Services, &api.ServiceRegistrationStub{ServiceName: name, Tags: append([]string{}, slices.Compact(t)...)})
		}
		out = append(out, list)
	}
	return out, nil
}

func (h *httpAPI) readService(r *http.Request) (any, error) {
	out := []*api.ServiceRegistration{}
	for _, s := range h.store.service {
		if s.ServiceName == r.PathValue("name") && inNamespace(r, s.Namespace) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *api.ServiceRegistration) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}
