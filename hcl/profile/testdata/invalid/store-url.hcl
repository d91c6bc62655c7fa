machine "base" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  agent { redis = "redis://redis.example" }
  worker "w" { connector = "simulation" }
}

machine "twice" {
  extends = machine.base
  agent { blobs = "s3://bucket?region=a&region=b" } # error: not the URL of a store; the option region twice
}

machine "empty" {
  extends = machine.base
  agent { blobs = "s3://bucket?region=" } # error: not the URL of a store; The option region has no value
}

machine "endpoint" {
  extends = machine.base
  agent { blobs = "s3://bucket?endpoint=minio.example:9000" } # error: not the URL of a store; https:// or http://
}

machine "credentials" {
  extends = machine.base
  agent { blobs = "s3://user:pw@bucket?region=a" } # error: not the URL of a store; AWS_ACCESS_KEY_ID
}

machine "fragment" {
  extends = machine.base
  agent { blobs = "file:///srv/blobs#1" } # error: not the URL of a store; It has a #
}

machine "unreadable" {
  extends = machine.base
  agent { blobs = "s3://bucket?region=a;path_style=true" } # error: not the URL of a store; can't be read
}

machine "environment" {
  extends = machine.base
  agent { env = { MACHINE_BLOB_URL = "gs://bucket" } } # error: MACHINE_BLOB_URL is not the URL of a store; no store of this kind
}
