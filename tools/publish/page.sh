#!/usr/bin/env bash
# Renders all published records into one page: page.sh FILE
set -euo pipefail
cd "$(dirname "$0")/../.."
lockstep=${LOCKSTEP:-target/release/lockstep}
out=${1:-reports/index.html}
mkdir -p "$(dirname "$out")"
mapfile -t records < <(find reports -name '*.jsonl' | sort)
# A record of a wrong executor is shown as one: that is no failure of the page.
"$lockstep" report --format html --out "$out" "${records[@]}" reports/faults.json reports/mutants/mutants.json || [ $? -eq 1 ]
echo "$out: $(wc -c <"$out") bytes"
