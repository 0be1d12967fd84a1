#!/usr/bin/env bash
# The action's one step: from inputs in the environment to the words of `gate`.
set -euo pipefail

read -ra program <<<"$PROGRAM"
read -ra arguments <<<"${ARGUMENTS:-}"
read -ra paths <<<"${PATHS:-}"
words=(gate --executor "$EXECUTOR" --out "${OUT:-lockstep-gate}")
if [ -n "${BASELINE:-}" ]; then
    if [ -e "$BASELINE" ]; then
        words+=(--baseline "$BASELINE")
    else
        echo "no baseline at $BASELINE: correctness alone decides"
    fi
fi
exec "${program[@]}" "${words[@]}" "${arguments[@]}" "${paths[@]}"
