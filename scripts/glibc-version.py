"""Prints the newest version of the C library that a program asks for, read from its ELF version table; exit 1 if that is above a limit.

    glibc-version.py PROGRAM [LIMIT]
"""

import re
import struct
import sys


def needed(data):
    """Versions of GLIBC that the section of needed versions (SHT_GNU_verneed) names."""
    if data[:6] != b"\x7fELF\x02\x01":
        sys.exit("glibc-version: no 64-bit little-endian ELF program")
    sections_at, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, sections_at + place * size) for place in range(count)]
    for section in sections:
        if section[1] != 0x6FFFFFFE:
            continue
        strings = sections[section[6]][4]
        at = section[4]
        while True:
            _, n_names, _, names_at, following = struct.unpack_from("<HHIII", data, at)
            name_at = at + names_at
            for _ in range(n_names):
                _, _, _, name, next_name = struct.unpack_from("<IHHII", data, name_at)
                text = data[strings + name : data.index(b"\0", strings + name)].decode()
                if found := re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", text):
                    yield tuple(map(int, found.groups()))
                name_at += next_name
            if not following:
                break
            at += following


def main():
    program, *limit = sys.argv[1:]
    newest = max(needed(open(program, "rb").read()), default=(0, 0))
    print(".".join(map(str, newest)))
    if limit and newest > tuple(map(int, limit[0].split("."))):
        sys.exit(f"glibc-version: `{program}` asks for {newest[0]}.{newest[1]}, more than {limit[0]}")


main()
