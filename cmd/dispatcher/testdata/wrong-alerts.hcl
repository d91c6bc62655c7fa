rule "crash_lop" {}

receiver "ops" {
  webhook { url = "t0psecret" }
}
