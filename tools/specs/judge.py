#!/usr/bin/env python3
"""Holds what Lockstep's reference says of blocks against the Python execution specs.

    python3 -m venv .venv && .venv/bin/pip install -r tools/specs/requirements.txt
    lockstep export --seed 1 --blocks 50 --format t8n --out t8n
    .venv/bin/python tools/specs/judge.py t8n

Every folder below the given ones with alloc.json, env.json, txs.json and expected.json is one block. It
goes through the specs' own transition tool, in this process, and must give the same state root, receipts
root, bloom, gas and requests, or reject the same transaction first. Exit status: 0 all agree, 1 some do
not, 2 wrong usage, 4 nothing ran.
"""

import argparse
import contextlib
import io
import json
import logging
import pathlib
import sys
import time

from ethereum_spec_tools.evm_tools import t8n

# Forks that the specs have; others are counted and said.
FORKS = {
    "Frontier": "Frontier",
    "Homestead": "Homestead",
    "EIP150": "TangerineWhistle",
    "EIP158": "SpuriousDragon",
    "Byzantium": "Byzantium",
    "ConstantinopleFix": "ConstantinopleFix",
    "Istanbul": "Istanbul",
    "Berlin": "Berlin",
    "London": "London",
    "Paris": "Paris",
    "Shanghai": "Shanghai",
    "Cancun": "Cancun",
    "Prague": "Prague",
    "Osaka": "Osaka",
}

FIELDS = ["stateRoot", "receiptsRoot", "logsBloom", "gasUsed", "blobGasUsed", "requestsHash"]
NUMBERS = {"gasUsed", "blobGasUsed"}


def options(fork, chain_id):
    parser = argparse.ArgumentParser()
    t8n.t8n_arguments(parser.add_subparsers())
    return parser.parse_args(
        [
            "t8n",
            "--input.alloc=stdin",
            "--input.env=stdin",
            "--input.txs=stdin",
            "--output.alloc=stdout",
            "--output.result=stdout",
            f"--state.fork={fork}",
            f"--state.chainid={chain_id}",
        ]
    )


def by_the_specs(inputs, expected, cache):
    """The result of the specs' transition tool."""
    out = io.StringIO()
    tool = t8n.T8N(
        options(FORKS[expected["fork"]], expected["chainId"]),
        out,
        io.StringIO(json.dumps(inputs)),
        cache,
    )
    status = tool.run()
    if status != 0:
        raise RuntimeError(f"the transition tool gave status {status}")
    return json.loads(out.getvalue())["result"]


def differences(expected, result, missing):
    """What is not the same, in words. Fields that the tool does not give are counted in `missing`."""
    if "rejected" in expected:
        index = expected["rejected"]["transaction"]
        rule = expected["rejected"]["rule"]
        if index is None:
            # A rule of the block: the tool says it in a field of its own.
            return [] if result.get("blockException") else [f"expected {rule}, found none"]
        rejected = sorted(entry["index"] for entry in result.get("rejected", []))
        if rejected[:1] == [index]:
            return []
        return [f"expected transaction {index} to be rejected ({rule}), found {rejected}"]
    found = [f"rejected: {entry}" for entry in result.get("rejected", [])]
    if result.get("blockException"):
        found.append(f"block exception: {result['blockException']}")
    for field in FIELDS:
        if field not in expected:
            continue
        if field not in result:
            missing[field] = missing.get(field, 0) + 1
            continue
        ours, theirs = expected[field], result[field]
        if field in NUMBERS:
            ours, theirs = int(ours, 16), int(theirs, 16)
        if ours != theirs:
            found.append(f"{field}: the reference {ours}, the specs {theirs}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    folders = parser.parse_args().folders
    blocks = sorted({file.parent for folder in folders for file in folder.rglob("expected.json")})
    logging.disable(logging.CRITICAL)
    start, ran, transactions, wrong, without, missing = time.time(), 0, 0, 0, {}, {}
    cache = t8n.ForkCache()
    for block in blocks:
        read = lambda name: json.loads((block / f"{name}.json").read_text())
        expected = read("expected")
        if expected["fork"] not in FORKS:
            without[expected["fork"]] = without.get(expected["fork"], 0) + 1
            continue
        inputs = {name: read(name) for name in ["alloc", "env", "txs"]}
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                found = differences(expected, by_the_specs(inputs, expected, cache), missing)
        except (Exception, SystemExit) as error:  # A crash of the specs is a finding too.
            found = [f"the specs broke: {error!r}"]
        ran += 1
        transactions += expected["transactions"]
        if found:
            wrong += 1
            print(f"{block}: {expected['id']}: {'; '.join(found)}")
    for field, count in sorted(missing.items()):
        print(f"not compared in {count} blocks: {field}, which the specs' tool does not give")
    skipped = ", ".join(f"{count} of {fork}" for fork, count in sorted(without.items()))
    print(
        f"{ran} blocks, {transactions} transactions through the execution specs in "
        f"{time.time() - start:.1f} s: {ran - wrong} agree, {wrong} do not"
        + (f"; not run, the specs do not have the fork: {skipped}" if skipped else "")
    )
    if ran == 0:
        print("nothing ran", file=sys.stderr)
        return 4
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
