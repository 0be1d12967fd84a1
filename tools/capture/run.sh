#!/usr/bin/env bash
# Captures a chain from a real node (anvil, on the loopback) by each source that it offers, and checks it with
# every executor.
#
#   tools/capture/run.sh LOCKSTEP FOLDER    the program; where anvil is installed and the blocks go
set -euo pipefail
lockstep=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)
port=${PORT:-18545}
url=http://127.0.0.1:$port

mkdir -p "$work"
[ -x "$work/node_modules/.bin/anvil" ] || npm install --silent --no-audit --no-fund --prefix "$work" @foundry-rs/anvil@1.7.1
# Cancun: anvil's Prague blocks lack the system contracts that the fork asks for.
"$work/node_modules/.bin/anvil" --port "$port" --host 127.0.0.1 --silent --hardfork cancun &
anvil=$!
trap 'kill "$anvil" 2>/dev/null || true' EXIT
python3 - "$port" <<'PY'
import socket, sys, time
for _ in range(100):
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        break
    except OSError:
        time.sleep(0.1)
PY
python3 "$here/chain.py" "$url" 22
for source in auto prestate proofs; do
    out=$work/blocks-$source
    rm -rf "$out"
    # The root of anvil's genesis block is not that of its state: block 1 cannot be proved.
    "$lockstep" capture --rpc "$url" --network "$here/genesis.json" --block 2..22 --rps 1000 --source "$source" --out "$out" |
        tail -n 1
    "$lockstep" check --network "$here/genesis.json" --threads 1,2,4 "$out" >"$work/$source.txt" || {
        cat "$work/$source.txt"
        exit 1
    }
    grep -q "21 of 21 after it" "$work/$source.txt"
    tail -n 1 "$work/$source.txt"
done
