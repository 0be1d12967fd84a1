#!/usr/bin/env python3
"""Mutates Lockstep's own executors and looks whether the product notices.

    tools/mutants/run.py --every 20 --out reports/mutants        # every twentieth mutant, half an hour on two cores
    tools/mutants/run.py --out reports/mutants                   # all 1,400, ten hours

`cargo mutants` says what the mutants are. Each is built in a clone of the last commit, and then meets the product:

1. `lockstep check`, the built-in set at 1, 2 and 4 threads;
2. `lockstep fuzz` for 5 seconds, and for those that survive it for a minute;
3. `lockstep check --pack 64` of the state tests that --packed names.

A mutant that any of them finds wrong is killed; one that does not compile, or that equivalent.toml argues to change nothing,
does not count. Exit status 1: under 95 %.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ["block_stm/**", "access_list/**", "sequential/**", "commit.rs", "phases.rs"]
# Code that only faults, tests and records run.
OTHERS = ["planted.rs", "mutants.rs", "models.rs", "trace.rs"]
ENOUGH = 95.0
EQUIVALENT = tomllib.loads((ROOT / "tools/mutants/equivalent.toml").read_text(encoding="utf-8"))["equivalent"]


def mutants() -> list[dict]:
    command = ["cargo", "mutants", "--list", "--json", "--diff", "--package", "lockstep-executors"]
    for source in SOURCES:
        command += ["--file", f"harness/executors/src/{source}"]
    for other in OTHERS:
        command += ["--exclude", f"**/{other}"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return json.loads(listed)


def equivalent(name: str) -> str | None:
    """Why the mutant changes nothing that consensus can see, if somebody has argued that."""
    return next((known["why"] for known in EQUIVALENT if known["name"] in name), None)


class Product:
    """The program, built of a clone with one mutant in it."""

    def __init__(self, folder: pathlib.Path, packed: list[str]) -> None:
        self.folder, self.packed = folder, packed
        self.environment = {**os.environ, "CARGO_TARGET_DIR": str(folder / "target")}
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "clone")], check=True)

    def build(self) -> bool:
        command = ["cargo", "build", "--quiet", "--package", "lockstep-cli", "--locked"]
        return self.run(command, 1800) == 0

    def run(self, command: list[str], seconds: float) -> int | None:
        try:
            done = subprocess.run(command, cwd=self.folder / "clone", env=self.environment, timeout=seconds,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        except subprocess.TimeoutExpired:
            return None
        return done.returncode

    def lockstep(self, words: str, seconds: float) -> bool:
        """Whether it says that all is well."""
        program = str(self.folder / "target" / "debug" / "lockstep")
        return self.run([program, *words.split(), *(self.packed if "--pack" in words else [])], seconds) == 0

    def killed_by(self) -> str | None:
        steps = [
            ("check", "check --threads 1,2,4 --hang-after 3s --most-hangs 1", 120),
            ("fuzz", "fuzz --time 5s --fail-fast --hang-after 3s", 120),
            ("fuzz for a minute", "fuzz --seed 1000000 --time 60s --fail-fast --hang-after 3s", 240),
        ]
        if self.packed:
            steps.append(("packed tests", "check --pack 64 --skip-slow --hang-after 10s", 900))
        for name, words, seconds in steps:
            if not self.lockstep(words, seconds):
                return name
        return None

    def meet(self, mutant: dict) -> str:
        """`unviable`, `survived`, or what killed it."""
        clone = self.folder / "clone"
        # The header of cargo-mutants' diff has a description where `git apply` wants a name.
        body = mutant["diff"].split("\n", 2)[2]
        patch = f"--- a/{mutant['file']}\n+++ b/{mutant['file']}\n{body}"
        apply = ["git", "apply", "--whitespace=nowarn"]
        subprocess.run([*apply, "-"], cwd=clone, input=patch, text=True, check=True)
        try:
            return (self.killed_by() or "survived") if self.build() else "unviable"
        finally:
            subprocess.run([*apply, "--reverse", "-"], cwd=clone, input=patch, text=True, check=True)


def report(rows: list[dict], args: argparse.Namespace) -> float:
    same = [row for row in rows if row["result"] == "survived" and equivalent(row["name"])]
    viable = [row for row in rows if row["result"] != "unviable" and row not in same]
    killed = [row for row in viable if row["result"] != "survived"]
    score = 100 * len(killed) / max(1, len(viable))
    by: dict[str, int] = {}
    for row in killed:
        by[row["result"]] = by.get(row["result"], 0) + 1
    lines = ["# Mutants of the executors, and what notices them", "",
             f"{len(killed)} of {len(viable)} viable mutants killed ({score:.1f} %); {len(same)} are equivalent, {len(rows) - len(viable) - len(same)} do not "
             f"compile. {len(rows)} of {args.all} mutants, every {args.every}th from the {args.first}th on.", "",
             ", ".join(f"{name}: {count}" for name, count in sorted(by.items())) + ".", "",
             "| survived |", "|---|"]
    lines += [f"| `{row['name']}` |" for row in viable if row["result"] == "survived"]
    lines += ["", "| equivalent | why |", "|---|---|"]
    lines += [f"| `{row['name']}` | {equivalent(row['name'])} |" for row in same]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "mutants.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = [row | ({"result": "equivalent"} if row in same else {}) for row in rows]
    (args.out / "mutants.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return score


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take one mutant in so many")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    parser.add_argument("--packed", nargs="*", default=[], help="state tests to pack into blocks")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a folder for mutants.md and mutants.json")
    args = parser.parse_args()
    args.packed = [str(pathlib.Path(path).resolve()) for path in args.packed]
    listed = mutants()
    args.all, chosen = len(listed), listed[args.first::args.every]
    if not chosen:
        sys.exit("no mutant was chosen: nothing ran")
    rows: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="lockstep-mutants-") as folder:
        product = Product(pathlib.Path(folder), args.packed)
        if not product.build() or product.killed_by() is not None:
            sys.exit("the product is not well without any mutant")
        for number, mutant in enumerate(chosen, 1):
            start = time.monotonic()
            rows.append({"name": mutant["name"], "result": product.meet(mutant)})
            score = report(rows, args)
            print(f"{number}/{len(chosen)} {rows[-1]['result']}: {mutant['name']} ({time.monotonic() - start:.0f} s; {score:.1f} %)",
                  flush=True)
    return 0 if score >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
