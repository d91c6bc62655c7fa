# Machines that call hosted APIs: many small ones without GPUs. The differences between providers are data.

project "hosted-apis" {}

environment "RELEASE" {
  default     = "stable"
  description = "The image's tag; CI sets it."
}

variable "redis_url" {
  type        = string
  default     = "redis://redis.example:6379"
  description = "The queue."
}

variable "providers" {
  type = map(object({
    concurrency = number
    key         = string
    most        = optional(number, 4)
    connector   = optional(string, "simulation") # until the agent has a connector for the provider
  }))
  default = {
    openai    = { concurrency = 16, key = "OPENAI_API_KEY", most = 10 }
    replicate = { concurrency = 8, key = "REPLICATE_API_TOKEN" }
    runpod    = { concurrency = 8, key = "RUNPOD_API_KEY" }
  }
  description = "Which hosted APIs there are, and how many jobs one machine gives each at once."
  validation {
    condition     = alltrue([for p in values(var.providers) : p.concurrency >= 1])
    error_message = "Each provider needs a concurrency of at least 1."
  }
}

machine "api" {
  kind       = "api"
  image      = "registry.example/machine:${env("RELEASE")}"
  start_time = "10s"
  resources {
    cpu    = 500
    memory = "512MiB"
  }
  agent {
    redis = var.redis_url
    blobs = "s3://results?region=us-east-1"
    # Rendered on the machine from Nomad variables, so that the Nomad job doesn't contain the keys.
    env = { for name, p in var.providers : p.key => secret("apis/${name}", "key") }
  }
  dynamic "worker" {
    for_each = var.providers
    labels   = [worker.key]
    content {
      connector    = worker.value.connector
      concurrency  = worker.value.concurrency
      capabilities = ["api"]
    }
  }
}

# For each provider, a machine of its own.
machine "only" {
  for_each = var.providers
  kind     = "api"
  image    = "registry.example/machine:${env("RELEASE")}"
  resources {
    cpu    = 250
    memory = "256MiB"
  }
  agent {
    redis = var.redis_url
    blobs = "s3://results?region=us-east-1"
    env   = { (each.value.key) = secret("apis/${each.key}", "key") }
  }
  worker "w" {
    connector    = each.value.connector
    concurrency  = each.value.concurrency
    capabilities = ["api"]
  }
}

pool "shared" {
  machine = machine.api
  size {
    min = 1
    max = 8
  }
  scale {
    target_wait = "5s"
    up_cooldown = "5s"
  }
}

pool "only" {
  for_each = var.providers
  machine  = machine.only[each.key]
  size { max = each.value.most }
}
