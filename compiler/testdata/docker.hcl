# Containers, secrets, an agent that comes as an artifact, cores.

machine "hybrid" {
  kind   = "hybrid"
  driver = "docker"
  image  = "registry.example/machine:1"
  resources {
    cores  = 8
    memory = "32GiB"
  }
  gpu { memory = "24GiB" }
  setup {
    command = "/opt/setup"
    env     = { HF_TOKEN = secret("models", "hf-token") }
  }
  agent {
    artifact = "https://releases.example/machine-agent?v=$${x}"
    redis    = "redis://redis.example:6379"
    blobs    = "s3://results"
    env      = { OPENAI_API_KEY = secret("emprops/openai", "api_key"), MODE = "x" }
  }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    args = ["--port", self.port]
    ready {}
  }
  worker "gpu" {
    connector = "comfyui"
    service   = "comfyui"
  }
  worker "openai" {
    connector   = "simulation"
    concurrency = 4
  }
}

pool "hybrid-pool" {
  machine = machine.hybrid
  size { max = 4 }
}
