#!/usr/bin/env python3
"""Compares the (path, line) sets of KotaDB and ripgrep over one commit, on literals and regexes sampled from it.

Called by parity.sh, which says where the programs are. The blobs of exactly those paths that the index lists are written out by
`git cat-file --batch`, so both sides see the same bytes; every other path of the commit must carry a reason for being left out.
Exit 0: no difference. 1: differences, the first of which are printed. 2: the comparison could not be made.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

RG = [os.environ.get("RG", "rg"), "--no-config", "-uuu", "-a", "-E", "none", "-n", "-H", "--null", "--no-heading", "--color", "never", "--case-sensitive"]
SHOWN = 10
PROGRESS = 100
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,30}")


class Failure(Exception):
    """The comparison cannot be made."""


def run(command, accepted=(0,), **options):
    done = subprocess.run(command, capture_output=True, **options)
    if done.returncode not in accepted:
        raise Failure(f"{command[:4]}… ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


# The two sides


def tree(repository):
    """Path to (mode, object id) of every entry of the commit."""
    listing = run(["git", "-C", repository, "ls-tree", "-r", "-z", "--full-tree", "HEAD"])
    entries = (entry.split(b"\t", 1) for entry in listing.split(b"\0") if entry)
    return {path: (facts.split()[0], facts.split()[2]) for facts, path in entries}


def indexed_paths(repository):
    return [path for path in run([os.environ["KOTADB_INDEXER"], "inspect", "--paths", "-0", repository]).split(b"\0") if path]


def facts(repository):
    """Path to object id of what is searchable, and path to reason of what is left out, of the commit at HEAD."""
    blobs, reasons = {}, {}
    head = run(["git", "-C", repository, "rev-parse", "HEAD"]).strip()
    commit = None
    for line in run([os.environ["KOTADB_INDEXER"], "inspect", "--facts", repository]).splitlines():
        kind, _, rest = line.partition(b" ")
        if kind == b"commit":
            commit = rest
        elif kind == b"file" and commit == head:
            _mode, blob, _language, _class, _hash, path = rest.split(b" ", 5)
            blobs[unescape(path)] = blob
        elif kind == b"skipped" and commit == head:
            reason, path = rest.split(b" ", 1)
            reasons[unescape(path)] = reason.decode()
    return blobs, reasons


def unescape(path):
    """Undoes Rust's `escape_ascii`."""
    known = {b"t": b"\t", b"r": b"\r", b"n": b"\n"}

    def byte(match):
        code = match.group(1)
        return bytes([int(code[1:], 16)]) if code[:1] == b"x" else known.get(code, code)

    return re.sub(rb"\\(x[0-9a-f]{2}|.)", byte, path)


def path_bytes(value):
    path = value["path"]
    return urllib.parse.unquote_to_bytes(path) if value.get("path_lossy") else path.encode()


def write_blobs(repository, entries, paths, folder):
    """Writes the blobs of `paths` below `folder`; gives their bytes in all."""
    request = b"".join(entries[path][1] + b"\n" for path in paths)
    with tempfile.TemporaryFile() as wanted:
        wanted.write(request)
        wanted.seek(0)
        git = subprocess.Popen(["git", "-C", repository, "cat-file", "--batch"], stdin=wanted, stdout=subprocess.PIPE)
        n_bytes = sum(write_blob(git.stdout, os.path.join(os.fsencode(folder), path)) for path in paths)
        if git.wait() != 0:
            raise Failure("`git cat-file --batch` failed")
    return n_bytes


def write_blob(stream, target):
    header = stream.readline().split()
    if len(header) != 3 or header[1] != b"blob":
        raise Failure(f"git answered {header!r} for {target!r}")
    content = stream.read(int(header[2]))
    stream.read(1)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content)
    return len(content)


def ripgrep(folder, pattern, is_literal):
    arguments = ["-F"] if is_literal else []
    return parse_ripgrep(run([*RG, *arguments, "-e", pattern, "."], accepted=(0, 1), cwd=folder))


def parse_ripgrep(output):
    """`./path NUL line:text LF`, where a path may hold anything but NUL."""
    found, at = set(), 0
    while at < len(output):
        end_of_path = output.index(b"\0", at)
        end_of_number = output.index(b":", end_of_path)
        found.add((output[at + 2 : end_of_path], int(output[end_of_path + 1 : end_of_number])))
        end = output.find(b"\n", end_of_number)
        at = len(output) if end < 0 else end + 1
    return found


def kotadb(repository, pattern, is_literal):
    command = [os.environ["KOTADB"], "search", "--json", "--limit", "0", "--repo", repository, "--ref", "HEAD"]
    lines = run([*command, query(pattern, is_literal), "generated:yes", "vendored:yes"], accepted=(0, 1)).splitlines()
    summary = json.loads(lines[-1]) if lines else {}
    if not summary.get("summary") or not summary.get("complete"):
        raise Failure(f"the answer to {pattern!r} is not complete: {summary}")
    hits = map(json.loads, lines[:-1])
    return {(path_bytes(hit), hit["line"]) for hit in hits}


def query(pattern, is_literal):
    if is_literal:
        return '"%s" case:yes' % pattern.replace("\\", "\\\\").replace('"', '\\"')
    return "/%s/ case:yes" % pattern.replace("/", "\\/")


# What is asked


class Corpus:
    """Lines and words of some files, to sample from."""

    def __init__(self, folder, paths, rng):
        self.rng = rng
        self.lines, self.foreign = [], []
        for path in rng.sample(paths, min(len(paths), 400)):
            with open(os.path.join(os.fsencode(folder), path), "rb") as file:
                self.take(file.read(1 << 18))
        self.words = sorted({word for line in rng.sample(self.lines, min(len(self.lines), 20000)) for word in WORD.findall(line)})
        if len(self.words) < 50:
            raise Failure("the corpus has fewer than 50 words")

    def take(self, content):
        for line in content.split(b"\n"):
            text = line.decode("utf-8", errors="ignore").strip()
            if len(text) < 4 or len(text) > 400 or not text.isprintable():
                continue
            self.lines.append(text)
            if not text.isascii():
                self.foreign.append(text)

    def word(self, least=4):
        return self.rng.choice([w for w in self.rng.sample(self.words, min(50, len(self.words))) if len(w) >= least] or self.words)


def inside_of_word(corpus):
    word = corpus.word(6)
    begin = corpus.rng.randrange(1, len(word) - 3)
    return word[begin : begin + corpus.rng.randrange(3, 11)]


def slice_of(corpus, line, around=None):
    length = corpus.rng.randrange(4, 28)
    at = corpus.rng.randrange(len(line)) if around is None else max(0, around - corpus.rng.randrange(length))
    return line[at : at + length].strip()


def punctuated(corpus):
    for _ in range(200):
        text = slice_of(corpus, corpus.rng.choice(corpus.lines))
        if len(text) >= 3 and re.search(r"[^\w\s]", text):
            return text
    raise Failure("the corpus has no punctuation")


def foreign(corpus):
    if not corpus.foreign:
        return corpus.word() + "é"
    line = corpus.rng.choice(corpus.foreign)
    return slice_of(corpus, line, next(i for i, c in enumerate(line) if not c.isascii())) or "é"


LITERALS = [inside_of_word, punctuated, lambda corpus: corpus.word(), inside_of_word, punctuated, foreign]


def alternation(c):
    return c.rng.choice([f"{c.word()}|{c.word()}|{c.word()}", f"(?:{c.word()}|{c.word()})_", f"{c.word()[:4]}(?:{c.word()[:3]}|s|ed)"])


def char_class(c):
    word = c.word()
    at = c.rng.randrange(1, len(word))
    return word[:at] + c.rng.choice(["[a-z]", "[A-Z_]", "[^a-m]", "[0-9a-f]", "[[:alpha:]]"]) + word[at + 1 :]


def anchor(c):
    return c.rng.choice([rf"^\s*{c.word()}", f"^{c.word()[:3]}", f"{c.word()[-3:]};?$", f"{c.word()[-4:]}$", rf"^//.*{c.word()}", r"^\s*\}\s*$"])


def boundary(c):
    return c.rng.choice([rf"\b{c.word()}\b", rf"\b{c.word()[:4]}", rf"{c.word()[-4:]}\b", rf"\B{c.word()[1:5]}\B"])


def folded(c):
    word = next((w for w in (c.word() for _ in range(100)) if re.search("[ksKS]", w)), "task")
    strange = re.sub("[kK]", "\u212a", re.sub("[sS]", "\u017f", word))
    return c.rng.choice([f"(?i){word.swapcase()}", f"(?i){strange}", f"(?i:{strange[:4]}){word[4:]}", f"(?i){word[:5]}"])


def unicode_class(c):
    return c.rng.choice(
        [rf"\p{{Lu}}\p{{Ll}}+{c.word()[-3:]}", rf"\p{{Greek}}", rf"{c.word()[:4]}\p{{Nd}}", rf"[\p{{L}}--[a-zA-Z]]", rf"\PL{c.word()}", r"\p{Han}+", rf"{c.word()}\W\pL"]
    )


def counted(c):
    return c.rng.choice([rf"{c.word()[:4]}\w{{2,4}}\b", r"\b0x[0-9a-f]{8}\b", f"{c.word()[:3]}[a-z]{{3}}_", rf"(?:\d{{1,3}}\.){{2}}\d+", f"{c.word()[0]}{{3}}", r"(?:ab?){4,}"])


def no_literal(c):
    n = c.rng.randrange(3, 9)
    return c.rng.choice([rf"\b\d{{{n}}}\b", rf"\b[A-Z]{{{n + 4}}}\b", rf"^.{{{90 + n},{92 + n}}}$", rf"^\w+\s\d{{1,{n}}}$", rf"[A-Z][0-9][a-z]{{{n}}}[A-Z]", rf"^\W{{{n + 6}}}$"])


REGEXES = [alternation, char_class, anchor, boundary, folded, unicode_class, counted, no_literal]


def sample(kinds, n, corpus):
    """`n` different patterns, the kinds in turn."""
    chosen, tries = [], 0
    while len(chosen) < n:
        pattern = kinds[len(chosen) % len(kinds)](corpus)
        tries += 1
        if pattern and (pattern not in chosen or tries > 100 * n):
            chosen.append(pattern)
    return chosen


# The comparison


def compare(repository, options):
    entries = tree(repository)
    paths = indexed_paths(repository)
    check_coverage(repository, entries, paths)
    with tempfile.TemporaryDirectory(prefix="kotadb-parity-") as folder:
        n_bytes = write_blobs(repository, entries, paths, folder)
        print(f"{len(paths)} paths, {n_bytes} bytes; seed {options.seed}")
        corpus = Corpus(folder, sorted(paths), random.Random(options.seed))
        literals, regexes = sample(LITERALS, options.literals, corpus), sample(REGEXES, options.regexes, corpus)
        n = differences(repository, folder, literals, True) + differences(repository, folder, regexes, False)
    print(f"{n} differences")
    return 1 if n else 0


def check_coverage(repository, entries, paths):
    """Every path of the commit is either searchable, with the content that git has, or left out with a reason."""
    blobs, reasons = facts(repository)
    silent = sorted(set(entries) - set(paths) - set(reasons))
    wrong = sorted(path for path in set(paths) | set(blobs) if path not in entries or blobs.get(path) != entries[path][1])
    if silent or wrong:
        raise Failure(f"left out without a reason: {silent[:SHOWN]}; other content or none: {wrong[:SHOWN]}")
    counts = collections.Counter(reasons[path] for path in set(entries) - set(paths))
    print("left out:", ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items())) or "nothing")


def differences(repository, folder, patterns, is_literal):
    what, begin, n_lines, n_differences = "literals" if is_literal else "regexes", time.monotonic(), 0, 0
    for nth, (pattern, expected, found) in enumerate(answers(repository, folder, patterns, is_literal), 1):
        n_lines += len(expected)
        wrong = expected ^ found
        n_differences += len(wrong)
        if wrong:
            print(f"{what}: {pattern!r}: {len(expected - found)} missed, {len(found - expected)} too many")
            for path, line in sorted(wrong)[:SHOWN]:
                print(f"  {'missed' if (path, line) in expected else 'too many'}: {path!r}:{line}")
        if nth % PROGRESS == 0:
            print(f"parity: {nth} of {len(patterns)} {what}, {n_differences} differences", file=sys.stderr)
    print(f"{len(patterns)} {what}: {n_lines} lines, {n_differences} differences, {time.monotonic() - begin:.1f} s")
    return n_differences


def answers(repository, folder, patterns, is_literal):
    """Each pattern with the lines of ripgrep and of KotaDB, which are asked at the same time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for pattern in patterns:
            expected = pool.submit(ripgrep, folder, pattern, is_literal)
            found = pool.submit(kotadb, repository, pattern, is_literal)
            yield pattern, expected.result(), found.result()


class SelfTest(unittest.TestCase):
    """What can be tested without an index."""

    def corpus(self, seed=1):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "a"), "w", encoding="utf-8") as file:
                file.writelines(f"fn task_{i}_stack(x: u32) -> \"naïve {i}\"; // größer\n" for i in range(100))
            return Corpus(folder, [b"a"], random.Random(seed))

    def test_samples_repeat_with_their_seed(self):
        self.assertEqual(sample(REGEXES, 64, self.corpus()), sample(REGEXES, 64, self.corpus()))
        self.assertNotEqual(sample(LITERALS, 30, self.corpus(1)), sample(LITERALS, 30, self.corpus(2)))

    def test_every_regex_is_one_for_ripgrep(self):
        for pattern in sample(REGEXES, 80, self.corpus()):
            done = subprocess.run([*RG, "-e", pattern, os.devnull], capture_output=True)
            self.assertIn(done.returncode, (0, 1), pattern)

    def test_literals_hold_every_kind(self):
        literals = sample(LITERALS, 60, self.corpus())
        self.assertTrue(any(not text.isascii() for text in literals))
        self.assertTrue(any(re.search(r"[^\w\s]", text) for text in literals))
        self.assertTrue(all("\n" not in text and text for text in literals))

    def test_output_of_ripgrep_is_understood(self):
        self.assertEqual(parse_ripgrep(b"./a\nb\x003:x:y\n./c\x0010:\x00\n"), {(b"a\nb", 3), (b"c", 10)})

    def test_paths_are_unescaped(self):
        self.assertEqual(unescape(b"a\\\\b\\t\\xff\\'c d"), b"a\\b\t\xff'c d")

    def test_queries_are_quoted(self):
        self.assertEqual(query('a"b\\', True), '"a\\"b\\\\" case:yes')
        self.assertEqual(query("^//", False), "/^\\/\\// case:yes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?")
    parser.add_argument("--literals", type=int, default=200)
    parser.add_argument("--regexes", type=int, default=64)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return 0 if unittest.main(argv=["parity"], exit=False).result.wasSuccessful() else 1
    if options.path is None:
        parser.error("which repository?")
    options.seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    try:
        run([os.environ["KOTADB"], "index", options.path])
        return compare(options.path, options)
    except Failure as failure:
        print(f"parity: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
