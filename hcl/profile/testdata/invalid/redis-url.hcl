# The queue accepts no other parameters than these, so neither does a profile.
variable "url" {
  default   = "redis://user:pw@redis.example/1?qzxjkvwpbfyg=x"
  sensitive = true
}

machine "base" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  worker "w" { connector = "simulation" }
}

machine "unknown" {
  extends = machine.base
  agent { redis = "redis://redis.example/?bad=1" } # error: The agent's redis is not a Redis URL; the unknown parameter "bad"; the parameters are db, master
}

machine "pool-size" {
  extends = machine.base
  agent { redis = "redis://redis.example?pool_size=a" } # error: The agent's redis is not a Redis URL; pool_size, which must be a number from 1 to 10000
}

machine "empty" {
  extends = machine.base
  agent { redis = "redis://redis.example?dial_timeout=" } # error: The agent's redis is not a Redis URL; dial_timeout without a value
}

machine "two-databases" {
  extends = machine.base
  agent { redis = "redis://redis.example/1?db=x" } # error: The agent's redis is not a Redis URL; names a database twice
}

machine "doubled" {
  extends = machine.base
  agent { redis = "redis://redis.example?db=1&db=1" } # error: The agent's redis is not a Redis URL; has the parameter db twice
}

machine "ignored" {
  extends = machine.base
  agent { redis = "rediss://redis.example?skip_verify=true" } # error: The agent's redis is not a Redis URL; the unknown parameter "skip_verify"
}

machine "hidden" {
  extends = machine.base
  agent { redis = var.url } # error: The agent's redis is not a Redis URL; It has an unknown parameter: the parameters are db
}

machine "environment" {
  extends = machine.base
  agent { env = { MACHINE_REDIS_URL = "redis://redis.example?bad=1" } } # error: MACHINE_REDIS_URL is not a Redis URL; the unknown parameter "bad"
}

machine "environment-of-all" {
  extends = machine.base
  env     = { MACHINE_REDIS_URL = "redis://redis.example/x" } # error: MACHINE_REDIS_URL is not a Redis URL; asks for database "x"
}
