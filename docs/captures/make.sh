#!/bin/bash
# Makes the captures in this folder by running the commands on an embedded cluster: after `make build`, from the
# repository's root, docs/captures/make.sh
set -euo pipefail
here=docs/captures work=$(mktemp -d) machinectl=$PWD/bin/machinectl
out=$PWD/$here
"$machinectl" dev -embedded -json >"$work/dev.json" 2>"$work/dev.log" &
dev=$!
trap 'kill $dev; wait $dev || true; rm -rf "$work"' EXIT
for _ in $(seq 150); do [ -s "$work/dev.json" ] && break; sleep 0.2; done
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/dev.json"; }
export NOMAD_ADDR=$(value nomad) MACHINECTL_DISPATCHER=$(value dispatcher) MACHINECTL_VAR_redis=$(value redis) PATH=$PWD/bin:$PATH
cd "$work"
"$machinectl" init . >/dev/null
capture() { # file, exit code, words of the command
  local file=$1 want=$2 got=0
  shift 2
  { echo "\$ $*"; "$@" 2>&1; } >"$out/$file" || got=$?
  [ "$got" = "$want" ] || { echo "$*: exit code $got, want $want" >&2; exit 1; }
}
capture plan.txt 0 machinectl plan profiles.hcl
capture apply.txt 0 machinectl apply -auto-approve profiles.hcl
capture status.txt 0 machinectl status
sed 's/memory = "128MiB"/memmory = "128MiB"/' profiles.hcl >wrong.hcl
capture error.txt 3 machinectl validate wrong.hcl
sed 's/concurrency = 2/concurrency = 4/; s/max = 5/max = 8/' profiles.hcl >changed.hcl
mv changed.hcl profiles.hcl
capture plan-change.txt 0 machinectl plan profiles.hcl
