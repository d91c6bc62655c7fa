#!/bin/bash
# Makes the captures in this folder by running the commands on an embedded cluster: after `make build`, from the
# repository's root, docs/captures/make.sh
set -u
here=docs/captures work=$(mktemp -d) machinectl=$PWD/bin/machinectl
out=$PWD/$here
"$machinectl" dev -embedded -json >"$work/dev.json" 2>"$work/dev.log" &
dev=$!
trap 'kill $dev; wait $dev; rm -rf "$work"' EXIT
for _ in $(seq 150); do [ -s "$work/dev.json" ] && break; sleep 0.2; done
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/dev.json"; }
export NOMAD_ADDR=$(value nomad) MACHINECTL_DISPATCHER=$(value dispatcher) MACHINECTL_VAR_redis=$(value redis) PATH=$PWD/bin:$PATH
cd "$work"
"$machinectl" init . >/dev/null
capture() { # file, words of the command
  { echo "\$ $*" | cut -d' ' -f1,3-; shift; "$@" 2>&1; } >"$out/$file"
}
file=plan.txt; capture $file machinectl plan profiles.hcl
file=apply.txt; capture $file machinectl apply -auto-approve profiles.hcl
file=status.txt; capture $file machinectl status
sed 's/memory = "128MiB"/memmory = "128MiB"/' profiles.hcl >wrong.hcl
file=error.txt; capture $file machinectl validate wrong.hcl
sed -i 's/concurrency = 2/concurrency = 4/; s/max = 5/max = 8/' profiles.hcl
file=plan-change.txt; capture $file machinectl plan profiles.hcl
