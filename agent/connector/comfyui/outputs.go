package comfyui

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// file is one file that a node lists.
type file struct {
	node, key             string
	name, subfolder, kind string // kind is output, temp or input
	// guessed reports whether it is a text that looks like a file's path. If there is no such file, it is only a text.
	guessed bool
}

// leavings are the outputs of a prompt, sorted by use.
type leavings struct {
	files []file                                // to store
	spare []file                                // temporary and input files: stored only if there are no others
	text  map[string][]string                   // by node: its outputs under "text"
	data  map[string]map[string]json.RawMessage // by node and key: all other outputs
	gaps  []gap
}

// gap is an output that a node has, or should have, and that isn't in the result.
type gap struct {
	Node   string `json:"node"`
	Class  string `json:"class,omitempty"`
	Key    string `json:"key,omitempty"`
	Reason string `json:"reason"`
}

// sort sorts the outputs in a record, by node id and key.
func (r *record) sort(w *workflow) *leavings {
	l := &leavings{text: map[string][]string{}, data: map[string]map[string]json.RawMessage{}}
	for _, id := range sorted(r.left) {
		values := r.left[id]
		slices.SortStableFunc(values, func(a, b value) int { return strings.Compare(a.key, b.key) })
		for _, v := range values {
			if v.raw == nil {
				l.gaps = append(l.gaps, gap{id, w.class(id), v.key, "too large: nodes may leave 16 MiB each, and 64 MiB together"})
				continue
			}
			l.add(id, v)
		}
	}
	return l
}

// add sorts one value. A value that holds anything besides files is data as well, as a whole.
func (l *leavings) add(id string, v value) {
	d := json.NewDecoder(bytes.NewReader(v.raw))
	d.UseNumber() // large numbers are allowed
	var content any
	if err := d.Decode(&content); err != nil { // impossible: the scanner wrote it
		l.gaps = append(l.gaps, gap{Node: id, Key: v.key, Reason: "can't be read"})
		return
	}
	if texts, ok := asTexts(content); ok && v.key == "text" {
		l.text[id] = append(l.text[id], texts...)
		return
	}
	f := finder{node: id, key: v.key}
	f.walk(content)
	for _, found := range f.files {
		if found.kind == "output" {
			l.files = append(l.files, found)
		} else {
			l.spare = append(l.spare, found)
		}
	}
	if f.other || len(f.files) == 0 {
		if l.data[id] == nil {
			l.data[id] = map[string]json.RawMessage{}
		}
		l.data[id][v.key] = v.raw
	}
}

// asTexts reads a string or a list of strings.
func asTexts(content any) (texts []string, ok bool) {
	if s, ok := content.(string); ok {
		return []string{s}, true
	}
	items, ok := content.([]any)
	for _, item := range items {
		s, isText := item.(string)
		texts, ok = append(texts, s), ok && isText
	}
	return texts, ok
}

// finder looks for files in a value.
type finder struct {
	node, key string
	files     []file
	other     bool // the value holds something else, too
}

func (f *finder) walk(content any) {
	switch v := content.(type) {
	case nil:
	case []any:
		for _, item := range v {
			f.walk(item)
		}
	case map[string]any:
		name, _ := v["filename"].(string)
		if name != "" {
			subfolder, _ := v["subfolder"].(string)
			kind, _ := v["type"].(string)
			f.add(name, subfolder, kind, false)
			f.other = f.other || saysMore(v)
			return
		}
		f.other = f.other || len(v) == 0
		for _, k := range sorted(v) {
			f.walk(v[k])
		}
	case string:
		f.other = true
		if looksLikeFile(v) {
			f.add(v, "", "", true)
		}
	default:
		f.other = true
	}
}

// saysMore reports whether an object that names a file has other fields, such as a video's frame rate or a seed.
func saysMore(object map[string]any) bool {
	for key, value := range object {
		if value != nil && key != "filename" && key != "subfolder" && key != "type" {
			return true
		}
	}
	return false
}

// add adds a file, once. Its name may begin with its folder and end with its kind: "3d/model.glb [output]".
func (f *finder) add(name, subfolder, kind string, guessed bool) {
	for _, k := range []string{"output", "temp", "input"} {
		if bare, ok := strings.CutSuffix(name, " ["+k+"]"); ok {
			name, kind = bare, k
		}
	}
	if kind == "" {
		kind = "output"
	}
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		subfolder = path.Join(subfolder, strings.ReplaceAll(name[:i], `\`, "/"))
		name = name[i+1:]
	}
	made := file{f.node, f.key, name, subfolder, kind, guessed}
	if !slices.Contains(f.files, made) {
		f.files = append(f.files, made)
	}
}

// fileEndings are those of the files that nodes save: images, video, audio, 3D models, latents and weights.
var fileEndings = []string{
	".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".exr", ".hdr", ".svg", ".avif",
	".mp4", ".webm", ".mov", ".mkv", ".avi", ".flac", ".mp3", ".wav", ".opus", ".ogg", ".m4a", ".aac",
	".glb", ".gltf", ".obj", ".fbx", ".stl", ".ply", ".usdz", ".splat", ".ksplat", ".spz",
	".latent", ".safetensors", ".zip",
}

// looksLikeFile reports whether a text may be the path of a file below one of the server's folders.
func looksLikeFile(s string) bool {
	if len(s) > 500 || strings.ContainsAny(s, "\n\r\t:*?\"<>|") || strings.HasPrefix(s, "/") || strings.Contains(s, "..") {
		return false
	}
	for _, kind := range []string{" [output]", " [temp]", " [input]"} {
		s = strings.TrimSuffix(s, kind)
	}
	return slices.Contains(fileEndings, strings.ToLower(path.Ext(s)))
}
