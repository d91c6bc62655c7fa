package comfysim

// class is a node class, like ComfyUI's INPUT_TYPES, RETURN_TYPES and OUTPUT_NODE.
type class struct {
	inputs  map[string]input
	outputs []string
	isOut   bool // an output node
	always  bool // it is executed each time, never cached
	// steps names the input with the number of sampling steps; empty if the node has none.
	steps string
	// stepTime names the input with a step's duration in seconds; if empty, the server's option applies.
	stepTime string
}

// input is one input of a class. kind is INT, FLOAT, STRING, BOOLEAN, COMBO or the type of a link such as IMAGE.
type input struct {
	kind     string
	optional bool
	bounded  bool // min and max hold
	min, max float64
	choices  []string // of a COMBO; nil: any
}

func link(kind string) input { return input{kind: kind} }
func number(kind string, lo, hi float64) input {
	return input{kind: kind, bounded: true, min: lo, max: hi}
}
func choice(choices ...string) input { return input{kind: "COMBO", choices: choices} }

// options returns an input's options as /object_info and validation errors show them.
func (in input) options() map[string]any {
	switch {
	case in.bounded:
		return map[string]any{"min": in.min, "max": in.max}
	case in.kind == "FLOAT":
		return map[string]any{"default": notANumber, "min": "\uE000-Infinity", "max": infinity}
	default:
		return map[string]any{}
	}
}

// maxResolution is ComfyUI's MAX_RESOLUTION.
const maxResolution = 16384

// scaling are the methods of ComfyUI's ImageScale.
var scaling = []string{"nearest-exact", "bilinear", "area", "bicubic", "lanczos"}

// classes returns the node classes of the simulated server. Those that load models accept any file name.
func classes() map[string]class {
	text := input{kind: "STRING"}
	size := number("INT", 1, maxResolution)
	latentSize := number("INT", 16, maxResolution)
	sampler := map[string]input{
		"model": link("MODEL"), "positive": link("CONDITIONING"), "negative": link("CONDITIONING"), "latent_image": link("LATENT"),
		"seed": number("INT", 0, 18446744073709551615), "steps": number("INT", 1, 10000), "cfg": number("FLOAT", 0, 100),
		"sampler_name": choice(), "scheduler": choice(), "denoise": number("FLOAT", 0, 1),
	}
	return map[string]class{
		"CheckpointLoaderSimple": {inputs: map[string]input{"ckpt_name": choice()}, outputs: []string{"MODEL", "CLIP", "VAE"}},
		"UNETLoader":             {inputs: map[string]input{"unet_name": choice(), "weight_dtype": choice()}, outputs: []string{"MODEL"}},
		"VAELoader":              {inputs: map[string]input{"vae_name": choice()}, outputs: []string{"VAE"}},
		"CLIPLoader":             {inputs: map[string]input{"clip_name": choice(), "type": choice()}, outputs: []string{"CLIP"}},
		"LoraLoader": {inputs: map[string]input{
			"model": link("MODEL"), "clip": link("CLIP"), "lora_name": choice(),
			"strength_model": number("FLOAT", -100, 100), "strength_clip": number("FLOAT", -100, 100),
		}, outputs: []string{"MODEL", "CLIP"}},
		"CLIPTextEncode":   {inputs: map[string]input{"text": text, "clip": link("CLIP")}, outputs: []string{"CONDITIONING"}},
		"EmptyLatentImage": {inputs: map[string]input{"width": latentSize, "height": latentSize, "batch_size": number("INT", 1, 4096)}, outputs: []string{"LATENT"}},
		"KSampler":         {inputs: sampler, outputs: []string{"LATENT"}, steps: "steps"},
		"VAEDecode":        {inputs: map[string]input{"samples": link("LATENT"), "vae": link("VAE")}, outputs: []string{"IMAGE"}},
		"VAEEncode":        {inputs: map[string]input{"pixels": link("IMAGE"), "vae": link("VAE")}, outputs: []string{"LATENT"}},
		"EmptyImage": {inputs: map[string]input{
			"width": size, "height": size, "batch_size": number("INT", 1, 4096), "color": number("INT", 0, 0xFFFFFF),
		}, outputs: []string{"IMAGE"}},
		"ImageScale": {inputs: map[string]input{
			"image": link("IMAGE"), "upscale_method": choice(scaling...), "width": number("INT", 0, maxResolution),
			"height": number("INT", 0, maxResolution), "crop": choice("disabled", "center"),
		}, outputs: []string{"IMAGE"}},
		"ImageInvert":  {inputs: map[string]input{"image": link("IMAGE")}, outputs: []string{"IMAGE"}},
		"SaveImage":    {inputs: map[string]input{"images": link("IMAGE"), "filename_prefix": text}, isOut: true},
		"PreviewImage": {inputs: map[string]input{"images": link("IMAGE")}, isOut: true},
		"PreviewAny":   {inputs: map[string]input{"source": link("*")}, isOut: true},
		// SaveImageWebsocket sends its images as previews of full size and has no other outputs.
		"SaveImageWebsocket": {inputs: map[string]input{"images": link("IMAGE")}, isOut: true, always: true},
		// SimulatedOutput exists only here, as does the next one. Its outputs are its input: JSON as Python reads and writes it.
		"SimulatedOutput": {inputs: map[string]input{"ui": text}, isOut: true},
		// SimulatedSteps passes an image through, in the given steps of the given duration, and may raise an exception at
		// the end. comfytest has the same node for real servers.
		"SimulatedSteps": {inputs: map[string]input{
			"image": link("IMAGE"), "steps": number("INT", 1, 10000), "seconds": {kind: "FLOAT"},
			"fail": choice("no", "error", "memory"),
		}, outputs: []string{"IMAGE"}, steps: "steps", stepTime: "seconds"},
	}
}
