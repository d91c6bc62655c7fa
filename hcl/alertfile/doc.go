// Package alertfile reads the file that configures alerts: which of the built-in rules are on, with which thresholds, and
// who is told.
//
//	receiver "ops" {
//	  webhook { url_env = "OPS_WEBHOOK_URL" }
//	}
//
//	defaults {
//	  receivers = ["ops"]
//	  repeat    = "4h"
//	}
//
//	rule "wait_over_target" {
//	  threshold = 3
//	  for       = "5m"
//	}
//
// [Rules] is the one list of the built-in rules. The package knows their names, defaults and texts; what each looks at is in
// dispatcher/alert. It opens no connection and knows neither Nomad nor Redis.
package alertfile
