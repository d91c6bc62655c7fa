variable "regions" {
  type    = map(object({ redis = string, max = optional(number, 3) }))
  default = { eu = { redis = "redis://eu:6379" }, us = { redis = "redis://us:6379", max = 5 } }
}
variable "flags" {
  type        = set(string)
  description = "Given by the file of variables."
}
variable "password" {
  type      = string
  sensitive = true
}

locals {
  total   = local.sum_of.max
  sum_of  = { max = max([for r in var.regions : r.max]...) }
  connect = join(",", [for name in sort(keys(var.regions)) : var.regions[name].redis])
  models  = flatten([["flux-dev"], [for v in ["xl", "3"] : "sd${v}" if v != "3"]])
  args = concat(
    ["--verbose"],
    [for i in range(3) : format("--slot=%02d", i)],
    split(" ", trimspace(" --a --b ")),
  )
  text = <<-EOT
    %{for m in local.models~}
    model ${upper(m)}
    %{endfor~}
  EOT
}

machine "m" {
  kind  = "api"
  image = "registry.example/machine:${lower("V")}${local.total}"
  env = merge(
    { MODELS = jsonencode(local.models), TEXT = local.text, AUTH = "Basic ${var.password}" },
    { for k, v in var.regions : "REDIS_${upper(k)}" => v.redis },
  )
  resources {
    cpu    = 100 * local.total
    memory = "${2 * 512}MiB"
  }
  agent { redis = local.connect }
  service "s" {
    args = local.args
  }
  worker "w" {
    connector    = "simulation"
    capabilities = [for f in var.flags : lower(f)]
    offers       = { model = local.models }
  }
}

pool "p" {
  machine = machine.m
  size {
    min = try(var.regions.nowhere.max, 1)
    max = local.total
  }
}
