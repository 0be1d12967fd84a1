#!/usr/bin/env bash
# Measures everything that a published report has, in under half an hour on two cores: measure.sh DIR [MAINNET_BLOCKS]
set -euo pipefail
cd "$(dirname "$0")/../.."
lockstep=${LOCKSTEP:-target/release/lockstep}
out=${1:?a folder as in reports/2026-11-25-machine}
blocks=${2:-}
# Workloads in memory, and whole imports of those that most is said about.
"$lockstep" bench --gas 500000000 --out "$out/workloads"
"$lockstep" bench --import --workload transfers,erc20,swaps,mix --gas 300000000 --runs 3 --out "$out/import"
# How it scales with threads, up to the machine's cores and beyond.
"$lockstep" bench --gas 200000000 --threads 1,2,4 --workload erc20,swaps,payments,mix --runs 3 --out "$out/threads"
# Where the state is not in memory.
"$lockstep" bench --storage disk,latency:100 --workload transfers,erc20,swaps --threads 2,16 --runs 2 --out "$out/storage"
# The cost of contention.
for contention in uniform zipf:1.1 hot:0.5; do
    "$lockstep" bench --contention "$contention" --gas 200000000 --workload transfers,erc20,payments,nft --runs 2 \
        --out "$out/contention-${contention%%:*}"
done
if [ -n "$blocks" ]; then
    "$lockstep" bench --runs 3 --min-gas 4000000 --out "$out/real" "$blocks"
    "$lockstep" check --quiet --threads 2,4 --out "$out/check" "$blocks"
else
    "$lockstep" check --quiet --out "$out/check"
fi
mapfile -t records < <(find "$out" -name '*.jsonl' | sort)
"$lockstep" report --format markdown --out "$out/report.md" "${records[@]}"
"$lockstep" report --format html --out "$out/report.html" "${records[@]}"
