pool "gpu" {
  machine = machine.gpu
  size { max = 2 }
}
