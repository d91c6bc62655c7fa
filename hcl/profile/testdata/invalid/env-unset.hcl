environment "MACHINECTL_TEST_NEVER_SET" {} # error: The environment variable MACHINECTL_TEST_NEVER_SET is not set

machine "gpu" {
  kind  = "gpu"
  image = env("MACHINECTL_TEST_NEVER_SET")
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu {
    count = 1
  }
  agent {
    redis = "redis://localhost:6379"
  }
  service "comfyui" {
    per  = "gpu"
    port = "http"
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "p" {
  machine = machine.gpu
  size {
    max = 1
  }
}
