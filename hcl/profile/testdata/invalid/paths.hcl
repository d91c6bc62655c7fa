# No shell reads a path, and none leads elsewhere than it seems to.
variable "hidden" {
  default   = "~/qzxjkvwpbfyg"
  sensitive = true
}

machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  volume "root" { path = "/" }               # error: A volume can't be mounted under "/"; hide everything
  volume "local" { path = "/local" }         # error: A volume can't be mounted under "/local"; own folder
  volume "local-in" { path = "/local/m" }    # error: A volume can't be mounted under "/local/m"; own folder
  volume "secrets" { path = "/secrets/" }    # error: A volume can't be mounted under "/secrets/"; own folder
  volume "alloc" { path = "/alloc/data/x" }  # error: A volume can't be mounted under "/alloc/data/x"; own folder
  volume "proc" { path = "/proc" }           # error: A volume can't be mounted under "/proc"; the system
  volume "devices" { path = "/dev/" }        # error: A volume can't be mounted under "/dev/"; the system
  volume "memory" { path = "/dev/shm" }
  volume "a" { path = "/a" }
  volume "b" { path = "/a/" }    # error: Two volumes under one path; Volume "a"
  volume "c" { path = "/a//b" }  # error: "/a//b" is written with more than it needs; Write path = "/a/b".
  volume "d" { path = "/a/../b" } # error: "/a/../b" is not a usable path; Write "/b".
  volume "e" { path = "~/models" } # error: "~/models" is not a usable path; Only a shell; "/home/<user>/models"
  volume "f" { path = "$HOME/models" } # error: "$HOME/models" is not a usable path; Only a shell replaces $HOME
  volume "g" { path = "models/" } # error: "models/" is not an absolute path; Write path = "/models".
  volume "h" { path = "../models" } # error: "../models" is not a usable path; leads elsewhere
  setup {
    command = "~/setup.sh" # error: "~/setup.sh" is not a usable path; "/home/<user>/setup.sh"
    artifact {
      source      = "https://files.example/x"
      destination = "~/x" # error: "~/x" is not a usable path
    }
    artifact {
      source      = "https://files.example/x"
      destination = "local/../x" # error: "local/../x" is not a usable path
    }
    artifact {
      source      = "https://files.example/x"
      destination = "local/../../x" # error: "local/../../x" is outside of the task's directory
    }
    artifact {
      source      = "https://files.example/x"
      destination = "local/$HOME" # error: "local/$HOME" is not a usable path
    }
  }
  agent {
    command = "../agent" # error: "../agent" is not a usable path; leads elsewhere
    redis   = "unix:///run/../redis.sock" # error: "/run/../redis.sock" is not a usable path; Write "/redis.sock".
    blobs   = "file:///srv/../blobs" # error: not the URL of a store; leads elsewhere
  }
  service "s" { command = "$HOME/serve" } # error: "$HOME/serve" is not a usable path; Only a shell replaces $HOME
  service "t" { command = "/opt/$${VERSION}/serve" } # error: Only a shell replaces $
  service "u" { command = "./serve" }
  service "v" { command = "/opt/a$b/serve" }
  service "w" { command = "/usr/../opt/serve" } # error: "/usr/../opt/serve" is not a usable path; Write "/opt/serve".
  service "x" { command = "$${nomad.task_dir}/serve" } # error: not a usable path
  service "y" { command = var.hidden } # error: Wrong value
  service "z" { command = "${nomad.task_dir}/serve" }
  worker "w" { connector = "simulation" }
}

machine "results" {
  extends = machine.m
  agent {
    command = "/agent"
    redis   = "rediss://redis.example?ca=~/ca.pem" # error: "~/ca.pem" is not a usable path
    blobs   = "file:///"                           # error: not the URL of a store; the root of all folders
  }
}

machine "home" {
  extends = machine.m
  agent {
    command = "/agent"
    redis   = "redis://redis.example"
    blobs   = "file:///~/blobs" # error: not the URL of a store; Only a shell
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}

locals {
  x = file("~/x")                 # error: A function takes something else; "~/x" can't be read: only a shell replaces ~
  y = templatefile("$HOME/x", {}) # error: A function takes something else; "$HOME/x" can't be read: only a shell replaces $HOME
}

module "home" { source = "~/mod" } # error: "~/mod" is not a module directory; Only a shell replaces ~
