variable "image" { type = string }
variable "models" {
  type    = list(string)
  default = ["sdxl"]
}
locals { listen = chomp(file("listen.txt")) }

machine "gpu" {
  kind  = "gpu"
  image = var.image
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu { count = 1 }
  agent { redis = "redis://localhost:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    args = ["--listen", local.listen]
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
    offers    = { model = var.models }
  }
}
