# A profile to start from. It says what machines consist of and how many there should be:
#
#   machinectl validate profiles.hcl    finds mistakes; needs no cluster
#   machinectl plan profiles.hcl        shows what applying it would change
#   machinectl apply profiles.hcl       does it

# Whose pools these are. Profiles of other projects leave them alone, and `apply -prune` removes only what is this one's.
project "starter" {}

# Values that differ from place to place: -var redis=…, -var-file, or MACHINECTL_VAR_redis in the environment.
variable "redis" {
  default     = "redis://127.0.0.1:6379"
  description = "the queue that the machines take jobs from"
}

variable "blobs" {
  default     = "file:///tmp/machinectl-results"
  description = "where results go: file:///folder, or s3://bucket"
}

variable "agent" {
  default     = "/usr/local/bin/machine-agent"
  description = "the agent's binary, on the hosts that the machines run on"
}

# A machine profile: what one machine consists of.
machine "simulator" {
  kind   = "api"      # gpu, api or hybrid: what the machine is for
  driver = "raw_exec" # docker, exec or raw_exec: how Nomad starts its processes

  resources {
    cpu    = 100 # MHz, of all its tasks together
    memory = "128MiB"
  }

  # The agent takes jobs out of the queue, and runs them.
  agent {
    command = var.agent
    redis   = var.redis
    blobs   = var.blobs
    grace   = "20s" # how long a stopping agent may finish what it runs; the rest goes back to the queue
  }

  # A worker runs jobs of one type. simulation does nothing but wait; comfyui runs workflows.
  worker "simulation" {
    connector   = "simulation"
    concurrency = 2
  }

  # With a GPU, a service per GPU and a worker that uses it, it would be:
  #
  # gpu {
  #   count  = 2
  #   memory = "24GiB"
  # }
  # service "comfyui" {
  #   per     = "gpu"
  #   port    = "http"
  #   command = "/opt/comfyui/run"
  #   args    = ["--port", self.port]
  #   ready { path = "/system_stats" }
  # }
  # worker "comfyui" {
  #   connector = "comfyui"
  #   service   = "comfyui"
  # }
}

# A pool: how many machines of a profile, and how they are scaled. It becomes one Nomad job.
pool "simulators" {
  machine = machine.simulator

  size {
    min = 1 # machines that always run
    max = 5 # machines at most; a rollout adds one while it replaces them
  }

  scale {
    target_wait = "30s" # a job should not wait longer; the dispatcher adds machines until that holds
  }
}
