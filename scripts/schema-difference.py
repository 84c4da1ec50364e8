"""Compares two dumps of a schema by pg_dump, statement by statement, and prints a migration from the first to the second:
new statements as they are, statements that are gone as comments. Exit 1: they are the same."""

import re
import sys
import tomllib
from pathlib import Path

HEADER = """-- {about}
-- needs-binary: >= {release}
SET LOCAL ROLE kotadb_owner;
"""


def statements(path):
    """The statements of a dump, in order, without comments and settings of the session. A body in $$ is part of its statement."""
    found, current, quote = [], [], None
    for line in open(path, encoding="utf-8"):
        if quote is None and (line.startswith("--") or not line.strip() and not current):
            continue
        current.append(line)
        for tag in re.findall(r"\$\w*\$", line):
            quote = tag if quote is None else None if tag == quote else quote
        if quote is None and line.rstrip().endswith(";"):
            found.append("".join(current).strip())
            current = []
    session = re.compile(r"(SET |SELECT pg_catalog\.set_config|\\)")
    return [statement for statement in found if not session.match(statement)]


def main():
    before, after = (statements(path) for path in sys.argv[1:3])
    new = [statement for statement in after if statement not in set(before)]
    gone = [statement for statement in before if statement not in set(after)]
    if not new and not gone:
        sys.exit(1)
    # The programs of this tree work on it; whether those before do is for its author to say.
    manifest = tomllib.loads((Path(__file__).resolve().parents[1] / "Cargo.toml").read_text())
    print(HEADER.format(about="Say here what this is for, and below the oldest release that works on it.", release=manifest["workspace"]["package"]["version"]))
    for statement in gone:
        print("-- Gone, or differs from what follows:")
        print("\n".join("-- " + line for line in statement.splitlines()) + "\n")
    for statement in new:
        print(statement + "\n")


main()
