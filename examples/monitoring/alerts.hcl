# Read by machine-dispatcher -alerts. Every rule is on unless it says otherwise; docs/alerts.md lists them.

receiver "ops" {
  webhook { url_env = "OPS_WEBHOOK_URL" }
}

receiver "chat" {
  slack { url_file = "/run/secrets/slack-url" }
}

defaults {
  receivers = ["chat", "log"]
  repeat    = "4h"
}

rule "crash_loop" {
  receivers = ["ops", "chat"]
}

rule "wait_over_target" {
  threshold = 3 # times the pools' target_wait
  for       = "5m"
  receivers = ["ops", "chat"]
}

rule "dead_letters" {
  threshold = 10
}

rule "unwatched" {
  enabled = false
}
