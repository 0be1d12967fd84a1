#!/usr/bin/env bash
# Whether the published records have the form of the schema, and their workloads come to what they state.
set -euo pipefail
cd "$(dirname "$0")/../.."
lockstep=${LOCKSTEP:-target/release/lockstep}
diff <("$lockstep" report --schema) reports/schema.json || {
    echo "reports/schema.json is stale: $lockstep report --schema > reports/schema.json" >&2
    exit 1
}
mapfile -t records < <(find reports -name bench.jsonl | sort)
"$lockstep" report --rerun "${records[@]}"
