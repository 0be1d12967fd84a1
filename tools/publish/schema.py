#!/usr/bin/env python3
"""Whether every line that is written fits the published schema: those of the committed records, and those that the command
writes now. A line that was made wrong must not fit.

    LOCKSTEP=target/release/lockstep python3 tools/publish/schema.py

Exits with 1 and names the line where one does not. Needs tools/publish/requirements.txt.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
LOCKSTEP = os.environ.get("LOCKSTEP", str(ROOT / "target/release/lockstep"))
COMMANDS = (
    "bench --workload transfers --gas 500000 --runs 1 --rounds 1 --no-pin --import --format json",
    "check --format json --filter Osaka",
)
WRONG = {"kind": "nonsense", "verdict": "fine", "seconds": "1"}
# That many at least come of the commands: fewer, and they no longer write what is to be looked at.
LEAST_WRITTEN = 40


def lines_of(command: str) -> list[str]:
    """What the command writes."""
    run = subprocess.run([LOCKSTEP, *command.split()], stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout.splitlines()


def problems_of(schema: Draft202012Validator, place: str, text: str) -> list[str]:
    """What is wrong with a line, or with the schema that lets a wrong one through."""
    line = json.loads(text)
    found = [f"{place}: {error.json_path}: {error.message[:300]}" for error in schema.iter_errors(line)]
    for field, value in WRONG.items():
        if field in line and schema.is_valid(line | {field: value}):
            found.append(f"{place}: the schema does not mind {field} = {value!r}")
    return found


def main() -> int:
    published = json.loads((ROOT / "reports/schema.json").read_text())
    Draft202012Validator.check_schema(published)
    schema = Draft202012Validator(published)
    written = [(f"lockstep {command}, line {n}", line) for command in COMMANDS for n, line in enumerate(lines_of(command), 1)]
    records = sorted((ROOT / "reports").rglob("*.jsonl"))
    committed = [(f"{record}, line {n}", line) for record in records for n, line in enumerate(record.read_text().splitlines(), 1)]
    problems = [problem for place, line in written + committed for problem in problems_of(schema, place, line)]
    if len(written) < LEAST_WRITTEN or not committed:
        problems.append(f"{len(written)} lines written, {len(committed)} committed: too few to tell anything")
    print("\n".join(problems) or f"{len(written)} lines written now and {len(committed)} committed ones fit the schema")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
