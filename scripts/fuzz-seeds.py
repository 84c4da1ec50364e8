#!/usr/bin/env python3
"""Writes what the fuzz targets begin with: scripts/fuzz-seeds.py FOLDER. Made from files of the repository: the golden
segment and objects, the queries of the syntax page, and source."""

import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = ROOT / "core" / "src"
TRAILER, ENTRY, SECTIONS = 64, 24, 6


def segments():
    """The sections of a file, end to end, behind the lengths of all but the last."""
    for path in sorted((CORE / "segment" / "golden").glob("*.seg")):
        data = path.read_bytes()
        table = struct.unpack_from("<Q", data, len(data) - TRAILER + 16)[0]
        places = [struct.unpack_from("<QQ", data, table + ENTRY * nth + 8) for nth in range(SECTIONS)]
        lengths = b"".join(struct.pack("<H", length) for _, length in places[:-1])
        yield path.name, lengths + b"".join(data[start : start + length] for start, length in places)


def objects():
    """Objects without their checksums."""
    for path in sorted((CORE / "store" / "golden").iterdir()):
        yield path.name, path.read_bytes()[:-4]


def queries():
    """Queries and contents, with the query's length at the end, where the fuzzer's reader of inputs looks for it."""
    page = (CORE / "query" / "syntax.md").read_text()
    texts = [line for block in re.findall(r"```query\n(.*?)```", page, re.S) for line in block.splitlines()]
    texts += [text for text in re.findall(r"`([^`\n]+)`", page) if len(text) < 200]
    source = (CORE / "query" / "finder.rs").read_bytes()
    for nth, text in enumerate(dict.fromkeys(texts)):
        query = text.encode()
        content = source[nth * 200 : nth * 200 + 300] or source[:300]
        yield f"{nth:03}", query + content + struct.pack(">H", len(query))


def documents():
    """The same, with the content cut into documents."""
    for name, seed in queries():
        (length,) = struct.unpack(">H", seed[-2:])
        yield name, seed[:length] + seed[length:-2].replace(b"{\n", b"{\0") + seed[-2:]


def main():
    for target, seeds in {"segment": segments, "objects": objects, "query": queries, "planner": documents}.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, seed in seeds():
            (folder / f"seed-{name}").write_bytes(seed)


main()
