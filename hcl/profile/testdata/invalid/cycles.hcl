locals {
  a = local.b # error: Local values refer to each other in a circle; local.a → local.b → local.c → local.a.
  b = "${local.c}!"
  c = upper(local.a)
  d = local.d # error: local.d → local.d.
  e = local.a
}

machine "x" {
  extends = machine.y
}
machine "y" {
  extends = machine.z
}
machine "z" {
  extends = machine.x # error: Machines extend each other in a circle; x extends y extends z extends x.
}

machine "alone" {
  extends = machine.alone # error: alone extends alone.
}
