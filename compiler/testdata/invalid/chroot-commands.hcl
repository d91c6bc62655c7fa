machine "m" {
  kind   = "api"
  driver = "exec"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  volume "tools" { path = "/tools" }
  setup { command = "/srv/fetch" } # warning: The program is outside of the chroot; /srv/fetch; chroot_env
  agent {
    command = "/opt/machinectl/machine-agent" # warning: The program is outside of the chroot; /opt/machinectl/machine-agent
    redis   = "redis://127.0.0.1:6379"
  }
  service "mounted" { command = "/tools/serve" }
  service "system" { command = "/usr/bin/python3" }
  service "fetched" { command = "local/serve" }
  service "own" { command = "/opt/serve" } # warning: The program is outside of the chroot
  service "beside" { command = "/usr/./bin/python3" }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
