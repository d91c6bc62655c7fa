# No services: the agent has the whole machine.

machine "fast" {
  kind   = "api"
  driver = "exec"
  resources {
    cores  = 2
    memory = "4GiB"
  }
  agent {
    redis = "redis://redis.example:6379"
    blobs = "s3://results"
  }
  worker "openai" {
    connector   = "simulation"
    concurrency = 16
  }
}

pool "fast-lane" {
  machine = machine.fast
  size {
    min = 2
    max = 20
  }
  placement {
    region    = "eu"
    namespace = "media"
  }
}
