# Files, templates and declared environment variables.
environment "MACHINECTL_TEST_TAG" {
  default     = "stable"
  description = "The image's tag."
}

machine "m" {
  kind  = "api"
  image = "registry.example/m:${env("MACHINECTL_TEST_TAG")}"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    port    = "http"
    command = "/bin/sh"
    args    = ["-c", templatefile("../files/start.sh.tmpl", { name = "m", flags = ["--a", "--b"], port = self.port })]
  }
  worker "w" {
    connector = "simulation"
    offers    = { model = split("\n", chomp(file("../files/models.txt"))) }
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
