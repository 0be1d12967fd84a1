#!/usr/bin/env python3
"""Holds `lockstep t8n` against the transition tool of the Python execution specs, field by field.

    lockstep export --seed 1 --blocks 1000 --format t8n --out target/t8n
    target/specs/bin/python tools/specs/transition.py target/release/lockstep target/t8n

Every folder below the given one with alloc.json, env.json, txs.json and expected.json is one block. Both tools
get it with the same options, the specs' in this process and the program in each of its modes in turn: files,
standard streams. Compared is every member of the result that either of them writes, the accounts after the
block, and which transactions are rejected. Further arguments go to the program, as in `--executor block_stm`.
Exit status: 0 all agree, 1 some do not, 2 wrong usage, 4 nothing ran.
"""

import argparse
import collections
import contextlib
import io
import json
import logging
import pathlib
import subprocess
import sys
import tempfile
import time

from ethereum_spec_tools.evm_tools import t8n
from judge import FORKS

ETHER = 10**18
REWARDS = {"Frontier": 5, "Homestead": 5, "EIP150": 5, "EIP158": 5, "Byzantium": 3, "Constantinople": 2}
REWARDS |= dict.fromkeys(["ConstantinopleFix", "Istanbul", "MuirGlacier", "Berlin", "London", "ArrowGlacier", "GrayGlacier"], 2)

# Members that only one of the tools has. The program's: geth's.
OURS = {"blobGasUsed"}
# The specs' tool keys its tries by places in the input, and leaves what it rejects in that of transactions: its
# roots are then those of no block. Geth's are those of the transactions that are in the block, and so are ours.
WITH_GAPS = {"txRoot", "receiptsRoot"}
NUMBERS = {"gasUsed", "currentBaseFee", "currentExcessBlobGas", "currentDifficulty"}


def arguments(fork, chain_id):
    reward = REWARDS.get(fork, 0) * ETHER
    return [f"--state.fork={FORKS[fork]}", f"--state.chainid={chain_id}", f"--state.reward={reward}"]


def by_the_specs(inputs, known, cache):
    """The answer of the specs' tool: result and accounts."""
    parser = argparse.ArgumentParser()
    t8n.t8n_arguments(parser.add_subparsers())
    streams = [f"--input.{name}=stdin" for name in ["alloc", "env", "txs"]]
    streams += [f"--output.{name}=stdout" for name in ["alloc", "result", "body"]]
    options = parser.parse_args(["t8n", *streams, *arguments(known["fork"], known["chainId"])])
    out = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):
        status = t8n.T8N(options, out, io.StringIO(json.dumps(inputs)), cache).run()
    if status != 0:
        raise RuntimeError(f"the specs' tool gave status {status}")
    return json.loads(out.getvalue())


def by_streams(program, inputs, known):
    """The answer of the program over standard streams."""
    streams = [f"--input.{name}=stdin" for name in ["alloc", "env", "txs"]]
    streams += [f"--output.{name}=stdout" for name in ["alloc", "result", "body"]]
    command = [*program, *streams, *arguments(known["fork"], known["chainId"])]
    done = subprocess.run(command, input=json.dumps(inputs), capture_output=True, text=True)
    if done.returncode or done.stderr:
        raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def by_files(program, block, known):
    """The answer of the program through files."""
    with tempfile.TemporaryDirectory() as out:
        files = [f"--input.{name}={block / name}.json" for name in ["alloc", "env", "txs"]]
        files += [f"--output.{name}={name}.json" for name in ["alloc", "result", "body"]]
        command = [*program, *files, f"--output.basedir={out}"]
        command += arguments(known["fork"], known["chainId"])
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or done.stderr or done.stdout:
            raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()}{done.stdout}")
        read = lambda name: json.loads((pathlib.Path(out) / f"{name}.json").read_text())
        return {name: read(name) for name in ["alloc", "result", "body"]}


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


def account(stated):
    storage = {number(slot): number(value) for slot, value in stated.get("storage", {}).items()}
    return {
        "balance": number(stated.get("balance", "0x0")),
        "nonce": number(stated.get("nonce", "0x0")),
        "code": stated.get("code", "0x"),
        "storage": {slot: value for slot, value in storage.items() if value},
    }


def receipt(stated):
    root = stated.get("root") or stated.get("post_state") or stated.get("postState") or "0x"
    status = stated["succeeded"] if "succeeded" in stated else stated.get("status") == "0x1"
    return {
        "transactionHash": stated["transactionHash"],
        "root": root,
        "succeeded": status if root == "0x" else None,
        "cumulativeGasUsed": number(stated["cumulativeGasUsed"]),
        "bloom": stated.get("bloom") or stated.get("logsBloom"),
        "logs": [[log["address"], log["topics"], log["data"]] for log in stated["logs"]],
    }


def normal(result):
    """What of a result is compared, in one spelling."""
    members = {}
    for name, value in result.items():
        if value is None or name in OURS:
            continue
        if name in NUMBERS:
            value = number(value)
        elif name == "receipts":
            value = [receipt(entry) for entry in value]
        elif name == "rejected":
            value = sorted(entry["index"] for entry in value)
        elif name == "blockException":
            value = True
        members[name] = value
    return {name: value for name, value in members.items() if value != []}


def differences(ours, theirs, compared):
    a, b = normal(ours["result"]), normal(theirs["result"])
    if "blockException" in a and "blockException" in b:
        # There is no such block: what the rest says of it is left open.
        compared["blockException"] += 1
        return []
    found = []
    for name in sorted(a.keys() | b.keys()):
        if "rejected" in a and name in WITH_GAPS:
            compared[f"not {name} beside a rejected transaction"] += 1
            continue
        compared[name] += 1
        if a.get(name) != b.get(name):
            found.append(f"{name}: ours {a.get(name)}, the specs' {b.get(name)}")
    if "rejected" not in a:
        # The specs' body keeps what was rejected.
        compared["body"] += 1
        if ours["body"] != theirs["body"]:
            found.append("body")
    one, other = ({address.lower(): account(stated) for address, stated in answer["alloc"].items()} for answer in (ours, theirs))
    compared["alloc"] += 1
    for address in sorted(one.keys() | other.keys()):
        if one.get(address) != other.get(address):
            found.append(f"alloc {address}: ours {one.get(address)}, the specs' {other.get(address)}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    options, further = parser.parse_known_args()
    program = [options.program, "t8n", *further]
    logging.disable(logging.CRITICAL)
    blocks = sorted(file.parent for file in options.folder.rglob("expected.json"))
    cache, ran, wrong, start = t8n.ForkCache(), 0, 0, time.time()
    compared, without, rejected = collections.Counter(), collections.Counter(), collections.Counter()
    for block in blocks:
        read = lambda name: json.loads((block / f"{name}.json").read_text())
        known = read("expected")
        if known["fork"] not in FORKS:
            without[known["fork"]] += 1
            continue
        inputs = {name: read(name) for name in ["alloc", "env", "txs"]}
        ran += 1
        try:
            ours = by_streams(program, inputs, known) if ran % 2 else by_files(program, block, known)
            theirs = by_the_specs(inputs, known, cache)
            found = differences(ours, theirs, compared)
            texts = {entry["index"]: entry["error"] for entry in theirs["result"].get("rejected", [])}
            for entry in ours["result"].get("rejected", []):
                rejected[f"{entry['error']} = {texts.get(entry['index'], '')[:60]}"] += 1
        except (Exception, SystemExit) as error:  # A crash is a finding too.
            found = [repr(error)]
        if found:
            wrong += 1
            print(f"{block}: {known['id']} ({known['fork']}): {'; '.join(found)[:2000]}")
    print("compared:", ", ".join(f"{name} {count}" for name, count in sorted(compared.items())))
    for text, count in sorted(rejected.items()):
        print(f"rejected {count}: {text}")
    for fork, count in sorted(without.items()):
        print(f"not run, the specs do not have the fork: {count} of {fork}")
    print(f"{ran} blocks in {time.time() - start:.1f} s: {ran - wrong} agree, {wrong} do not")
    if ran == 0:
        return 4
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
