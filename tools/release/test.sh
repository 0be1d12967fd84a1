#!/usr/bin/env bash
# Builds the release twice, in two places, and holds one against the other, byte for byte; runs the steps of the container
# recipe; runs the archive where there is nothing but the C library: test.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(realpath -m "${1:-target/release-test}")
say() { echo "release: $*"; }
fail() { say "FAILED: $*"; exit 1; }
rm -rf "$work"
mkdir -p "$work"
git clone -q . "$work/elsewhere"
tools/release/build.sh "$work/first"
(cd "$work/elsewhere" && CARGO_TARGET_DIR=$work/elsewhere-target tools/release/build.sh "$work/second")
cmp "$work/first/SHA256SUMS" "$work/second/SHA256SUMS" || fail "built twice, and not the same"
(cd "$work/first" && sha256sum --check --quiet SHA256SUMS) || fail "SHA256SUMS does not fit"
say "built twice, identical: $(cat "$work/first/SHA256SUMS")"

# The recipe without an engine: the steps of its first stage, but for those that install packages.
mkdir -p "$work/image"
export OUT=$work/container ROOT=$work/image
steps=$(sed -n '/AS build/,/^FROM/{s/^RUN //p}' tools/release/Containerfile | grep -v '^apt-get')
[ -n "$steps" ] || fail "the recipe has no steps"
while read -r step; do
    say "recipe: $step"
    bash -euc "$step"
done <<<"$steps"
cmp "$work/first/SHA256SUMS" "$OUT/SHA256SUMS" || fail "the recipe makes another archive"

share=$ROOT/usr/local/share/lockstep
run() { tools/release/run-in.sh "$ROOT" "$@"; }
run /usr/local/bin/lockstep --version | grep -q '^lockstep [0-9]' || fail "--version"
(cd "$ROOT" && [ "$(find . -name '*.so*' -type f | wc -l)" -le 3 ]) || fail "more than the C library"
run /usr/local/bin/lockstep check --color never | tee "$work/check.txt" | tail -n 1
grep -q '^AGREED' "$work/check.txt" || fail "check"
run /usr/local/bin/lockstep fuzz --blocks 50 >/dev/null || fail "fuzz"
run /usr/local/bin/lockstep completions bash | grep -q complete || fail "completions"
[ -s "$share/completions/lockstep.bash" ] && [ -s "$share/man/man1/lockstep-check.1" ] || fail "completions and manual pages"
man --version >/dev/null 2>&1 && man --warnings -l "$share/man/man1/lockstep-check.1" 2>&1 >/dev/null | grep . && fail "the manual page"
python3 - "$share/lockstep.cdx.json" <<'PY' || fail "the bill of materials"
import json, sys
bill = json.load(open(sys.argv[1]))
names = {component["name"] for component in bill["components"]}
assert bill["bomFormat"] == "CycloneDX" and {"revm", "alloy-evm", "clap"} <= names, names
print(f"release: a bill of {len(names)} materials")
PY
say "PASSED"
