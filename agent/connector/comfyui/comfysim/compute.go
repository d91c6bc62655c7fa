package comfysim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"strings"
)

// picture is a simulated batch of images of one colour.
type picture struct {
	width, height, batch int
	color                color.RGBA
}

// compute computes a node's outputs. Only files and images are simulated, not models and texts: a latent is a picture.
func (e *execution) compute(id string, n node) (made, error) {
	switch n.Class {
	case e.o.FailNode:
		return made{}, &exception{kind: "RuntimeError", message: "simulated failure of " + n.Class}
	case e.o.OOMNode:
		return made{}, outOfMemory("simulated: allocation on device")
	}
	number := func(name string) int {
		v, _ := asNumber(n.Inputs[name]) // validated
		return int(v)
	}
	pic := func(name string) picture {
		parts, _ := n.Inputs[name].([]any)
		from, slot, ok := asLink(parts)
		if ok {
			if p, ok := e.results[from].outputs[slot].(picture); ok {
				return p
			}
		}
		return picture{width: 64, height: 64, batch: 1}
	}
	one := func(v any) (made, error) { return made{outputs: []any{v}}, nil }
	switch n.Class {
	case "EmptyImage":
		c := number("color")
		return one(picture{number("width"), number("height"), number("batch_size"), color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 255}})
	case "EmptyLatentImage":
		return one(picture{number("width"), number("height"), number("batch_size"), color.RGBA{A: 255}})
	case "KSampler":
		p := pic("latent_image")
		p.color = tint(n)
		return one(p)
	case "VAEDecode":
		return one(pic("samples"))
	case "VAEEncode":
		return one(pic("pixels"))
	case "ImageScale":
		p := pic("image")
		p.width, p.height = max(number("width"), 1), max(number("height"), 1)
		return one(p)
	case "ImageInvert":
		p := pic("image")
		p.color = color.RGBA{255 - p.color.R, 255 - p.color.G, 255 - p.color.B, 255}
		return one(p)
	case "SimulatedSteps":
		switch n.Inputs["fail"] {
		case "error":
			return made{}, &exception{kind: "RuntimeError", message: "asked to fail"}
		case "memory":
			return made{}, outOfMemory("asked to run out of memory")
		}
		return one(pic("image"))
	case "SaveImage":
		return e.save(pic("images"), fmt.Sprint(n.Inputs["filename_prefix"]), "output")
	case "PreviewImage":
		return e.save(pic("images"), "ComfyUI_temp_"+id, "temp")
	case "SaveImageWebsocket":
		p := pic("images")
		for i := range p.batch {
			e.state(id, float64(i), float64(p.batch), "running")
			e.send("progress", map[string]any{"value": i, "max": p.batch, "node": id})
			if sid := e.p.clientID(); sid != "" {
				e.sockets.preview(p.png(), sid)
			}
		}
		return made{}, nil
	case "SimulatedOutput":
		said, _ := n.Inputs["ui"].(string)
		return output(said)
	case "PreviewAny":
		if said, ok := n.Inputs["source"].(string); ok {
			return made{ui: map[string]any{"text": []string{said}}}, nil
		}
		text, err := json.Marshal(n.Inputs["source"])
		return made{ui: map[string]any{"text": []string{string(text)}}}, err
	default:
		return made{outputs: make([]any, len(e.known[n.Class].outputs))}, nil
	}
}

// output returns the result of a node whose outputs are given as JSON text.
func output(said string) (made, error) {
	var ui map[string]json.RawMessage // unparsed, so that numbers keep their digits
	if err := loads(strings.NewReader(said), &ui); err != nil {
		return made{}, &exception{kind: "json.decoder.JSONDecodeError", message: err.Error()}
	}
	m := made{ui: map[string]any{}}
	for k, v := range ui {
		m.ui[k] = v
	}
	return m, nil
}

// save writes a picture's files and returns their references for the client.
func (e *execution) save(p picture, prefix, kind string) (made, error) {
	images := []map[string]string{}
	for range p.batch {
		ref, err := e.files.create(kind, prefix, p)
		if err != nil {
			return made{}, &exception{kind: "OSError", message: err.Error()}
		}
		images = append(images, ref)
	}
	return made{ui: map[string]any{"images": images}}, nil
}

// tint returns a colour that depends on a sampler's inputs.
func tint(n node) color.RGBA {
	h := fnv.New32a()
	text, err := json.Marshal(n.Inputs)
	if err == nil {
		_, _ = h.Write(text) // never fails
	}
	sum := h.Sum32()
	return color.RGBA{uint8(sum), uint8(sum >> 8), uint8(sum >> 16), 255}
}

// solid is an image of one colour that needs no memory.
type solid struct{ p picture }

func (s solid) ColorModel() color.Model     { return color.Palette{s.p.color} }
func (s solid) Bounds() image.Rectangle     { return image.Rect(0, 0, s.p.width, s.p.height) }
func (s solid) At(int, int) color.Color     { return s.p.color }
func (s solid) ColorIndexAt(int, int) uint8 { return 0 }

// png returns one image of the batch.
func (p picture) png() []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, solid{p}) // to memory
	return b.Bytes()
}

// thumbnail returns a small preview that differs from step to step.
func thumbnail(step int) []byte {
	return picture{width: 8, height: 8, color: color.RGBA{uint8(step * 16), 64, 128, 255}}.png()
}

// outOfMemory returns torch's exception as ComfyUI reports it.
func outOfMemory(message string) error {
	return &exception{kind: "torch.OutOfMemoryError", message: message, tips: "This error means you ran out of memory on your GPU." +
		"\n\nTIPS: If the workflow worked before you might have accidentally set the batch_size to a large number."}
}
