"""Writes the functions of lambda/template.yaml: one for each folder of handlers/, with the routes that the API's description has in its
family. What stands before the marker is written by hand.

    template.py            writes them anew
    template.py --check    exit 1 if they are not what would be written
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "lambda/template.yaml"
MARKER = "\n  # Made by lambda/template.py from the API's description.\n"


def families():
    """Folder of handlers/ and its (method, path) pairs: a route belongs to the folder whose sources state it."""
    described = json.loads((ROOT / "handlers/docs/openapi.json").read_text())["paths"]
    routes = {(method, path) for path, operations in described.items() for method in operations if method in ("get", "post", "put", "patch", "delete")}
    found = {}
    for folder in sorted((ROOT / "handlers").iterdir()):
        if not (folder / "src").is_dir() or folder.name == "router":
            continue
        text = "\n".join(path.read_text() for path in sorted((folder / "src").rglob("*.rs")))
        stated = re.findall(r'utoipa::path\(\s*(get|post|put|patch|delete),\s*path = "([^"]+)"', text)
        # Pages have no description: axum's own routes state them, as in `.route("/path", get(show).post(enter))`.
        stated_pages = re.findall(r'\.route\(\s*"([^"]+)",\s*((?:\.?(?:get|post|any)\([^()]*\))+)', text)
        # API Gateway writes a path to its end as `{path+}`, and has no path that ends with a slash beside it.
        gateway = [(re.sub(r"\{\*(\w+)\}", r"{\1+}", path), methods) for path, methods in stated_pages if path == "/" or not path.endswith("/")]
        pages = [(method, path) for path, methods in gateway for method in re.findall(r"\b(get|post|any)\(", methods)]
        known = set(stated) & routes
        # HTML knows no `DELETE`: a form of a page sends it as `POST` (core/src/http/form.rs).
        forms = {("post", path) for method, path in known if method == "delete"} - known
        found[folder.name] = sorted(known) + sorted(forms) + sorted(set(pages) - routes)
    missing = routes - {route for of_family in found.values() for route in of_family}
    if missing:
        sys.exit(f"template: no folder of handlers/ states {sorted(missing)}")
    return {name: of_family for name, of_family in found.items() if of_family}


def function(name, routes):
    title = "".join(word.capitalize() for word in name.split("_"))
    lines = [f"  {title}:", "    Type: AWS::Serverless::Function", "    Properties:", f"      CodeUri: ../target/lambda/{name}.zip",
             "      Policies: [!Ref Access]", "      Events:"]
    for place, (method, path) in enumerate(routes):
        lines.append(f'        Route{place}: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Api, Method: {method.upper()}, Path: "{path}" }} }}')
    return "\n".join(lines)


def main():
    text = TEMPLATE.read_text()
    hand_written = text.partition(MARKER)[0].rstrip("\n")
    wanted = hand_written + "\n" + MARKER + "\n".join(function(*family) for family in families().items()) + "\n"
    if sys.argv[1:] == ["--check"]:
        sys.exit("template: lambda/template.yaml is not as lambda/template.py would write it" if text != wanted else 0)
    TEMPLATE.write_text(wanted)


main()
