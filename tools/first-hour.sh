#!/usr/bin/env bash
# The commands of docs/first-hour.md, as a new user types them, on a clone with an empty target folder: first-hour.sh [FOLDER]
#
# Says how long each step took; ends with 1 where one fails.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(realpath -m "${1:-target/first-hour}")
# A folder of an earlier run goes; another one would not be ours to take away.
[ ! -e "$work" ] || [ -e "$work/docs/first-hour.md" ] || { echo "$work: expected no such folder"; exit 1; }
rm -rf "$work"
git clone -q . "$work"
cd "$work"
unset CARGO_TARGET_DIR
steps=$(grep -c '^## [0-9]' docs/first-hour.md)
for step in $(seq "$steps"); do
    # The commands of one section.
    awk -v step="$step" '/^## [0-9]/ { inside = ($2 == step ".") } /^```sh$/ { code = 1; next } /^```$/ { code = 0 } inside && code' \
        docs/first-hour.md >step.sh
    title=$(sed -n "s/^## $step\. //p" docs/first-hour.md)
    start=$SECONDS
    bash -euo pipefail step.sh >"step-$step.log" 2>&1 || { tail -n 20 "step-$step.log"; echo "$step. $title: FAILED"; exit 1; }
    seconds=$((SECONDS - start))
    printf '%d. %s: %d:%02d\n' "$step" "$title" $((seconds / 60)) $((seconds % 60))
done
grep -q AGREED step-1.log || { echo "no result"; exit 1; }
grep -q 'signature: own-' step-3.log || { tail -n 20 step-3.log; echo "no finding"; exit 1; }
for file in gate/gate.md gate/junit.xml gate/lockstep.sarif report.html campaign/findings/own-*.fixture.json; do
    [ -s "$file" ] || { echo "$file is missing"; exit 1; }
done
