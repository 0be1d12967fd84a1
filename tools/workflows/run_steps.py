#!/usr/bin/env python3
"""Runs the steps of a GitHub workflow on this machine, as they are written.

    python3 tools/workflows/run_steps.py WORKFLOW [--with INPUT=VALUE ...] [--without STEP ...]

Steps that `run` something are run by bash in the current folder; Lockstep's own actions are followed, with the inputs that the
workflow gives them (`--with` replaces one); steps named by `--without`, and actions of others (checkout, cache, upload), are
named and left out. The exit status is that of the first step that fails. Needs PyYAML.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
OWN = re.compile(r"^(?:\./|lockstep-evm/lockstep/)(?P<folder>\.github/actions/[\w-]+)(?:@.+)?$")
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def expand(text: str, values: dict[str, str]) -> str:
    """Puts values where expressions stand; what is not known is empty, as on GitHub."""
    return EXPRESSION.sub(lambda found: values.get(found.group(1), ""), str(text))


def run(step: dict, values: dict[str, str], action_path: str) -> int:
    """Runs one step by bash."""
    environment = os.environ | {
        "GITHUB_ACTION_PATH": action_path,
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": values["summary"],
    }
    environment |= {name: expand(value, values) for name, value in step.get("env", {}).items()}
    command = ["bash", "-e", "-o", "pipefail", "-c", expand(step["run"], values)]
    return subprocess.run(command, env=environment, check=False).returncode


def follow(steps: list, values: dict[str, str], given: dict[str, str], action_path: str, without: list[str]) -> int:
    """Runs steps one after the other."""
    status = 0
    for step in steps:
        name = step.get("name") or step.get("uses") or step["run"]
        condition = str(step.get("if", "success()"))
        if name in without:
            print(f"== left out: {name} (--without)", flush=True)
        elif "github.ref" in condition or (status and "always()" not in condition):
            print(f"== left out: {name} (if: {condition})", flush=True)
        elif "run" in step:
            print(f"== {name}", flush=True)
            status = run(step, values, action_path) or status
        elif own := OWN.match(step["uses"]):
            folder = ROOT / own["folder"]
            action = yaml.safe_load((folder / "action.yml").read_text())
            inputs = {key: str(what.get("default", "")) for key, what in action["inputs"].items()}
            inputs |= {key: str(value) for key, value in step.get("with", {}).items()} | given
            inside = values | {f"inputs.{key}": expand(value, values) for key, value in inputs.items()}
            print(f"== {name}: {own['folder']}", flush=True)
            status = follow(action["runs"]["steps"], inside, given, str(folder), without) or status
        else:
            print(f"== left out: {name} (somebody else's action)", flush=True)
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("workflow", type=Path)
    parser.add_argument("--with", dest="given", action="append", default=[], metavar="INPUT=VALUE")
    parser.add_argument("--without", action="append", default=[], metavar="STEP")
    arguments = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in arguments.given)
    workflow = yaml.safe_load(arguments.workflow.read_text())
    names = [step.get("name") for job in workflow["jobs"].values() for step in job["steps"]]
    if unknown := [name for name in arguments.without if name not in names]:
        parser.error(f"{arguments.workflow} has no step named {', '.join(unknown)}")
    with tempfile.NamedTemporaryFile("r", suffix=".md") as summary:
        for job in workflow["jobs"].values():
            if status := follow(job["steps"], {"summary": summary.name}, given, "", arguments.without):
                return status
        print(f"== done; the summary has {len(Path(summary.name).read_text())} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
