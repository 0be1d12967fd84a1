#!/usr/bin/env python3
"""What official tests reach of the executors, alloy-evm and revm, and generated blocks do not.

Usage: gaps.py GENERATED.lcov OFFICIAL.lcov

Both files come from `llvm-cov export -format=lcov`; see run.sh. Prints a table by part of the code, then each
line and branch that official tests reach alone.
"""

import re
import sys
from collections import defaultdict

PARTS = re.compile(r"(executors)/src/([a-z_]+)|(alloy-evm|revm-handler|revm-context)-[0-9]")


def part(path):
    """The part of the code that a file belongs to; None where it is of no interest."""
    found = PARTS.search(path)
    if not found:
        return None
    return f"executors/{found[2]}" if found[1] else found[3]


def load(path):
    """Counts of lines and branches: {file: {place: count}}."""
    lines, branches = defaultdict(dict), defaultdict(dict)
    with open(path, encoding="utf-8") as lcov:
        for record in lcov:
            kind, _, rest = record.strip().partition(":")
            if kind == "SF":
                file = rest
            elif kind == "DA":
                line, count = rest.split(",")[:2]
                place = int(line)
                lines[file][place] = max(lines[file].get(place, 0), int(count))
            elif kind == "BRDA":
                line, block, branch, count = rest.split(",")
                place = (int(line), block, branch)
                hits = 0 if count == "-" else int(count)
                branches[file][place] = max(branches[file].get(place, 0), hits)
    return lines, branches


def main():
    generated, official = load(sys.argv[1]), load(sys.argv[2])
    table = defaultdict(lambda: [[0, 0, 0], [0, 0, 0]])
    alone = []
    for kind in (0, 1):
        for file, places in generated[kind].items():
            name = part(file)
            if not name:
                continue
            for place, count in places.items():
                by_official = official[kind].get(file, {}).get(place, 0) > 0
                row = table[name][kind]
                row[0] += 1
                row[1] += count > 0
                row[2] += by_official
                if by_official and not count:
                    line = place if kind == 0 else place[0]
                    alone.append((file, line, "line" if kind == 0 else "branch"))
    print("| part | lines | generated | official | branches | generated | official |")
    print("|---|---|---|---|---|---|---|")
    for name, (lines, branches) in sorted(table.items()):
        print(f"| {name} | " + " | ".join(str(number) for number in lines + branches) + " |")
    print()
    for file, line, kind in sorted(set(alone)):
        with open(file, encoding="utf-8") as source:
            text = source.read().split("\n")[line - 1].strip()
        short = "/".join(file.split("/")[-3:])
        print(f"{short}:{line} {kind}: {text[:100]}")


if __name__ == "__main__":
    main()
