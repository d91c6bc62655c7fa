"""The node SimulatedSteps for a real ComfyUI server: an image passes through in so many steps of so many seconds, with
progress and previews, and at the end the node may raise an exception. The simulated server has the same node built in."""
import time

import torch
from PIL import Image

import comfy.model_management
import comfy.utils


class SimulatedSteps:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {
            "image": ("IMAGE",),
            "steps": ("INT", {"default": 10, "min": 1, "max": 10000}),
            "seconds": ("FLOAT", {"default": 0.1, "min": 0.0, "max": 3600.0}),
            "fail": (["no", "error", "memory"],),
        }}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"
    CATEGORY = "test"

    def run(self, image, steps, seconds, fail):
        bar = comfy.utils.ProgressBar(steps)
        for step in range(steps):
            time.sleep(seconds)
            bar.update_absolute(step + 1, steps, ("PNG", Image.new("RGB", (8, 8)), None))
        if fail == "error":
            raise RuntimeError("asked to fail")
        if fail == "memory":
            raise torch.OutOfMemoryError("asked to run out of memory")
        return (image,)


NODE_CLASS_MAPPINGS = {"SimulatedSteps": SimulatedSteps}
