package comfysim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"

	"github.com/google/uuid"
)

// maxUpload is ComfyUI's default --max-upload-size, in bytes.
const maxUpload = 100 << 20

// routes returns ComfyUI's routes, each also under /api.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range []struct {
		pattern, route string
		handler        http.HandlerFunc
	}{
		{"GET", "/ws", s.getWS},
		{"GET", "/system_stats", s.getSystemStats},
		{"GET", "/object_info", s.getObjectInfo},
		{"GET", "/object_info/{class}", s.getObjectInfo},
		{"GET", "/prompt", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.queueInfo()) }},
		{"POST", "/prompt", s.postPrompt},
		{"GET", "/queue", s.getQueue},
		{"POST", "/queue", s.postQueue},
		{"GET", "/history", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.queue.past("")) }},
		{"GET", "/history/{id}", func(w http.ResponseWriter, r *http.Request) {
			answer(w, http.StatusOK, s.queue.past(r.PathValue("id")))
		}},
		{"POST", "/history", s.postHistory},
		{"GET", "/view", s.files.view},
		{"POST", "/interrupt", s.postInterrupt},
		{"POST", "/free", s.postFree},
	} {
		mux.HandleFunc(r.pattern+" "+r.route, r.handler)
		mux.HandleFunc(r.pattern+" /api"+r.route, r.handler)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "simulated ComfyUI (machine-sim comfyui)")
	})
	return mux
}

func answer(w http.ResponseWriter, code int, body any) {
	text, err := dumps(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(text) // the client may have gone
}

// read decodes a request's JSON. It answers 500 to a body that isn't JSON, as ComfyUI does.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := loads(http.MaxBytesReader(w, r.Body, maxUpload), into); err != nil {
		http.Error(w, "500 Internal Server Error\n\nServer got itself in trouble", http.StatusInternalServerError)
		return false
	}
	return true
}

func (s *Server) getWS(w http.ResponseWriter, r *http.Request) {
	s.sockets.serve(r.Context(), w, r, func(sid string) {
		s.sockets.send("status", map[string]any{"status": s.queueInfo(), "sid": sid}, sid)
	})
}

func (s *Server) getSystemStats(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"system": map[string]any{
			"os": runtime.GOOS, "comfyui_version": "0.3.64-simulated", "python_version": "none", "pytorch_version": "none",
			"ram_total": 0, "ram_free": 0, "embedded_python": false, "argv": []string{"machine-sim", "comfyui"},
		},
		"devices": []map[string]any{{
			"name": "simulated", "type": "cpu", "index": nil, "vram_total": 0, "vram_free": 0, "torch_vram_total": 0, "torch_vram_free": 0,
		}},
	})
}

// getObjectInfo lists the node classes of the simulated server.
func (s *Server) getObjectInfo(w http.ResponseWriter, r *http.Request) {
	all := map[string]any{}
	for name, c := range s.executor.known {
		if only := r.PathValue("class"); only != "" && only != name {
			continue
		}
		required := map[string]any{}
		for input, spec := range c.inputs {
			required[input] = []any{spec.kind, spec.options()}
			if spec.choices != nil {
				required[input] = []any{spec.choices}
			}
		}
		all[name] = map[string]any{
			"name": name, "input": map[string]any{"required": required}, "output": slices.Concat([]string{}, c.outputs), "output_node": c.isOut,
		}
	}
	answer(w, http.StatusOK, all)
}

func (s *Server) postPrompt(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Prompt    json.RawMessage `json:"prompt"`
		PromptID  string          `json:"prompt_id"`
		ClientID  string          `json:"client_id"`
		ExtraData map[string]any  `json:"extra_data"`
		Number    *float64        `json:"number"`
		Front     bool            `json:"front"`
	}
	if !read(w, r, &body) {
		return
	}
	if body.Prompt == nil {
		answer(w, http.StatusBadRequest, map[string]any{
			"error":       problem{"no_prompt", "No prompt provided", "No prompt provided", map[string]any{}},
			"node_errors": map[string]any{},
		})
		return
	}
	nodes, v := validate(s.executor.known, body.Prompt)
	if v.problem != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": v.problem, "node_errors": v.nodes})
		return
	}
	p := &prompt{id: body.PromptID, raw: body.Prompt, extra: body.ExtraData, nodes: nodes, outputs: v.outputs}
	if p.id == "" {
		p.id = uuid.NewString()
	}
	if p.extra == nil {
		p.extra = map[string]any{}
	}
	if body.ClientID != "" {
		p.extra["client_id"] = body.ClientID
	}
	s.queue.put(p, body.Number, body.Front)
	answer(w, http.StatusOK, map[string]any{"prompt_id": p.id, "number": p.number, "node_errors": v.nodes})
}

func (s *Server) getQueue(w http.ResponseWriter, _ *http.Request) {
	running, waiting := s.queue.lists()
	answer(w, http.StatusOK, map[string]any{"queue_running": running, "queue_pending": waiting})
}

// lists is the body of POST /queue and POST /history.
type lists struct {
	Clear  bool     `json:"clear"`
	Delete []string `json:"delete"`
}

func (s *Server) postQueue(w http.ResponseWriter, r *http.Request) {
	var body lists
	if !read(w, r, &body) {
		return
	}
	if body.Clear {
		s.queue.remove(nil)
	}
	if body.Delete != nil {
		s.queue.remove(body.Delete)
	}
}

func (s *Server) postHistory(w http.ResponseWriter, r *http.Request) {
	var body lists
	if !read(w, r, &body) {
		return
	}
	if body.Clear {
		s.queue.forget(nil)
	}
	if body.Delete != nil {
		s.queue.forget(body.Delete)
	}
}

// postFree empties the cache between two prompts if the request says so.
func (s *Server) postFree(w http.ResponseWriter, r *http.Request) {
	var body struct {
		FreeMemory bool `json:"free_memory"`
	}
	if read(w, r, &body) && body.FreeMemory {
		s.executor.free.Store(true)
		s.queue.wake()
	}
}

// postInterrupt interrupts the named prompt if it is running or, without a name, any running prompt.
func (s *Server) postInterrupt(_ http.ResponseWriter, r *http.Request) {
	var body struct {
		PromptID string `json:"prompt_id"`
	}
	_ = json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxUpload)).Decode(&body) // no body is a general interruption
	running := s.queue.current()
	if body.PromptID == "" || (running != nil && running.id == body.PromptID) {
		s.executor.interrupt.Store(true)
	}
}
