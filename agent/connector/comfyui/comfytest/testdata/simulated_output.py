"""The node SimulatedOutput for a real ComfyUI server: an output node that leaves what its input says. The simulated server has the
same node built in."""
import json


class SimulatedOutput:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"ui": ("STRING", {"multiline": True})}}

    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = "run"
    CATEGORY = "test"

    def run(self, ui):
        return {"ui": json.loads(ui)}


NODE_CLASS_MAPPINGS = {"SimulatedOutput": SimulatedOutput}
