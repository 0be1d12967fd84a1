#!/usr/bin/env bash
# Measures what a minute of generated blocks and the official tests reach: tools/coverage/run.sh ARCHIVE...
# Needs a nightly toolchain, for branches, and LLVM's tools of the same version (Debian: llvm-22).
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { echo "usage: $0 ARCHIVE..." >&2 && exit 2; }

out=$PWD/target/coverage
lockstep=$out/debug/lockstep
RUSTFLAGS="-C instrument-coverage -Z coverage-options=branch" \
    cargo +nightly build -p lockstep-cli --target-dir "$out"
rm -f "$out"/*.profraw

# A chosen number of blocks: counters make everything ten times as slow.
LLVM_PROFILE_FILE=$out/generated-%p-%4m.profraw "$lockstep" fuzz --seed 1 --blocks "${BLOCKS:-40000}"
LLVM_PROFILE_FILE=$out/official-%p-%4m.profraw "$lockstep" check --skip-slow "$@"

for which in generated official; do
    llvm-profdata-22 merge -sparse "$out/$which"-*.profraw -o "$out/$which.profdata"
    llvm-cov-22 export "$lockstep" -instr-profile="$out/$which.profdata" -format=lcov >"$out/$which.lcov"
done
python3 tools/coverage/gaps.py "$out/generated.lcov" "$out/official.lcov"
