"""Makes a bare repository whose paths, contents and symbol names try to be more than text: markup, ends of attributes, scripts, schemes,
templates, marks of direction, blanks of no width, control sequences, bytes that are no UTF-8.

    hostile.py FOLDER
"""

import subprocess
import sys

OUT = sys.argv[1]
ALERT = "alert(document.domain)"
FILES = {
    b"<img src=x onerror=alert(1)>.rs": f"pub fn needle() {{}}\npub fn caller() {{ needle(); }}\n// <script>{ALERT}</script> needle\n",
    b"a\" onmouseover=\"alert(2)\" x=\".py": f"def needle():\n    return \"'><svg onload={ALERT}>\"\n\ndef caller():\n    return needle()\n",
    b"javascript:alert(3).js": f"export function needle() {{ return `</script><script>{ALERT}</script>`; }}\nneedle();\n",
    b"folder</title><script>alert(4)</script>/needle.ts": f"export class Needle {{ /* --><img src=x onerror={ALERT}> */ }}\n",
    "bidi/\u202egnp.\u2066needle\u2069.rs".encode(): "// needle \u202e } \u2066if admin\u2069 \u2066 begin\nfn needle\u200b() {}\nlet l\u00adonger = 1;\n",
    b"bytes/\xff\xfe needle.c": b"int needle(void) { return '\xff\xfe'; } /* \x1b[31m \x07 \x9b */\n",
    b"percent/%2e%2e%2fneedle %00.go": "package needle\n\nfunc Needle() string { return \"%s %n {{7*7}} ${7*7} <%= 7*7 %>\" }\n",
    b"query/needle?q=1&at=x#L9.rb": "class Needle\n  def needle; end\nend\n",
    b"long.rs": "pub fn needle_of_a_long_line() { let _ = \"" + "<b>needle</b>" * 4000 + "\"; }\n",
    b"README.md": f"# needle <script>{ALERT}</script>\n\n[x](javascript:{ALERT})\n",
}


def git(*args, data=None):
    ran = subprocess.run(["git", "-C", OUT, *args], input=data, check=True, capture_output=True)
    return ran.stdout.strip()


def main():
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", OUT], check=True)
    rows = []
    for path, text in FILES.items():
        blob = git("hash-object", "-w", "--stdin", data=text if isinstance(text, bytes) else text.encode())
        rows.append(b"100644 " + blob + b"\t" + path + b"\0")
    git("update-index", "-z", "--index-info", data=b"".join(rows))
    tree = git("write-tree").decode()
    who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    commit = git(*who, "commit-tree", tree, "-m", f"needle <script>{ALERT}</script>").decode()
    git("update-ref", "refs/heads/main", commit)


main()
