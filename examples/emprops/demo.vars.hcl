# Values for a run on one small node: everything scaled down, GPUs and ComfyUI simulated, no API called.
# The demo also passes -var agent_binary=…, -var sim_binary=…, -var redis_url=… and -var blob_url=….
demo = true
