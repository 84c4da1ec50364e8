#!/usr/bin/env python3
"""Writes files that are seldom in packages but legal in git: scripts/corpus-odd.py FOLDER. Called by corpus.sh.

Encodings, line ends, minified files, and names. The same files each time: chances begin at a fixed seed.
"""

import os
import random
import sys

WORDS = "fn return static größer naïve задача журнал 検索 索引 검색 Ελλάς ſtraße KELVIN \u212aelvin İstanbul émission task_struct 0xdeadbeef".split()
ENCODINGS = ["utf-8", "utf-8-sig", "latin-1", "cp1251", "koi8-r", "shift_jis", "gb18030", "big5", "euc-kr", "utf-16-le", "utf-16-be", "utf-32-le", "utf-7"]


def text(chance, n_lines, ending="\n"):
    return "".join(" ".join(chance.choices(WORDS, k=chance.randrange(1, 12))) + ending for _ in range(n_lines))


def contents(chance):
    """Name and bytes of each file."""
    for encoding in ENCODINGS:
        yield f"encoding/{encoding}.txt", text(chance, 400).encode(encoding, errors="ignore")
    for name, ending in [("crlf", "\r\n"), ("cr", "\r"), ("lf-cr", "\n\r"), ("vertical", "\v\n"), ("next-line", "\u0085"), ("separator", "\u2028\n")]:
        yield f"ends/{name}.py", text(chance, 300, ending).encode()
    yield "ends/mixed.c", "".join(text(chance, 1, chance.choice(["\n", "\r\n", "\r"])) for _ in range(500)).encode()
    yield "ends/none.c", text(chance, 3).rstrip().encode()
    yield "ends/empty.c", b""
    yield "ends/only.c", b"\n"
    yield "ends/many.c", b"\n" * 5000 + b"static"
    yield "ends/return.c", b"\r\n\r\r\n" * 500 + b"return\r"
    yield "long/minified.js", text(chance, 1).join([";"] * 40000).replace("\n", "").encode()
    yield "long/two.min.css", (text(chance, 20000, ";") + "\n" + text(chance, 20000, ";")).encode()
    yield "long/wide.json", b'{"task_struct":"' + b"A" * (3 << 20) + b'","return":1}'
    yield "bytes/late-nul.c", text(chance, 400).encode() + b"\0static\0return\n" * 50
    yield "bytes/early-nul.c", b"static\0" + text(chance, 400).encode()
    yield "bytes/random.txt", bytes(byte or 1 for byte in chance.randbytes(1 << 20))
    yield "bytes/latin-in-utf8.c", b"".join(chance.choice([b"\xff", b"\xc3", b"\xe2\x82", b"gr\xf6\xdfer ", b"return ", b"\n"]) for _ in range(20000))
    yield "bytes/surrogates.c", b"static \xed\xa0\x80 return \xf4\x90\x80\x80 \xc0\xaf\n" * 300
    for name in [b"with space.c", b"new\nline.c", b"tab\t.c", b"quote\"'.c", b"latin-\xe9.c", "größer-検索.c".encode(), b"-dash.c", b"back\\slash.c", b"per%20cent.c", b"a:12:b.c"]:
        yield os.fsdecode(b"names/" + name), text(chance, 30).encode()
    yield "large/over-8-MiB.c", text(chance, 100).encode() * 1200
    for nth in range(20):
        yield f"same/copy-{nth}.c", b"static int the_same_everywhere(void);\n"


def main():
    folder = sys.argv[1]
    for name, content in contents(random.Random(20260101)):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    os.symlink("ends/crlf.py", os.path.join(folder, "link"))


if __name__ == "__main__":
    main()
