"""What schemathesis must know beyond the description: how deliveries and ticks are signed, which things there are, and texts
of the grammars that a schema cannot state. Every answer is written down, so that it can be counted which operations were
answered by success. Loaded by `scripts/schemathesis.sh`."""

import hashlib
import hmac
import json
import os
import random
import threading
import time
import uuid
from urllib.parse import parse_qs, urlsplit

import requests
import schemathesis
from hypothesis import strategies as st

FIXTURE = json.loads(os.environ["KOTADB_CONTRACT"])
LOG = open(os.environ["KOTADB_CONTRACT_LOG"], "a", encoding="utf-8")
LOCK = threading.Lock()
TO_DELETE = FIXTURE["to_delete"]
# The repository that is indexed, and its first job. They are not to be deleted: then nothing could be found.
KNOWN = {
    "/repositories/": FIXTURE["repository"],
    "/jobs/": FIXTURE["job"],
    "/webhooks/": FIXTURE["hook"],
    "/tenants/": FIXTURE["tenant"],
}

word = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
text_format = schemathesis.openapi.format
text_format("code-query", st.one_of(word, word.map(lambda text: f'"{text}" lang:rust'), word.map("/{}.*/".format)))
text_format("repository", st.sampled_from([FIXTURE["repository"], "octocat/Spoon-Knife"]))
text_format("path", st.sampled_from(["src/main.rs", "README.md"]))
text_format("folder", st.sampled_from(["", "src", "src/"]))
text_format("symbol", st.sampled_from(["main", "src/main.rs#main", "src/main.rs", "nothing"]))
text_format("ref", st.sampled_from(["main", "refs/heads/main", "HEAD", "07" * 20]))
text_format("clone-url", st.tuples(word, word).map("/".join))


def is_positive(case):
    return case.meta is None or case.meta.generation.mode.is_positive


def signature(secret, message):
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed(request, secret):
    """The bytes that are sent are known to the prepared request alone."""
    body = request.body or b""
    request.headers["X-Hub-Signature-256"] = signature(secret, body.encode() if isinstance(body, str) else body)
    return request


def as_bearer(key):
    def set_header(request):
        request.headers["Authorization"] = f"Bearer {key}"
        return request

    return set_header


def way_back(base_url):
    """A browser goes to GitHub, where its owner allows it, and is sent back: with which query and which cookie."""
    begun = requests.get(f"{base_url}/auth/github", auth=as_bearer(FIXTURE["member_key"]), timeout=20)
    allowed = requests.get(f"{begun.json()['url']}&login={FIXTURE['login']}", allow_redirects=False, timeout=20)
    query = parse_qs(urlsplit(allowed.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}, begun.headers["Set-Cookie"].split(";")[0]


@schemathesis.hook
def before_call(context, case, kwargs):
    label = case.operation.label
    headers = case.headers
    if headers is not None and "Idempotency-Key" in headers and is_positive(case):
        # Two requests that share a key are one request, which the schema cannot say.
        headers["Idempotency-Key"] = str(uuid.uuid4())
    parameters = case.path_parameters or {}
    if is_positive(case) and "id" in parameters and (case.method.upper() != "DELETE" or "member" in parameters) and random.random() < 0.6:
        for part, known in KNOWN.items():
            if part in case.path:
                parameters["id"] = known
    if label == "DELETE /api/v1/tenants/{id}":
        if is_positive(case) and TO_DELETE:
            # By a key of its own, which opens nothing afterwards.
            tenant = TO_DELETE.pop()
            parameters["id"] = tenant["id"]
            kwargs["auth"] = as_bearer(tenant["key"])
        elif parameters.get("id") == FIXTURE["tenant"]:
            # Nothing more could be asked.
            parameters["id"] = str(uuid.uuid4())
    if label == "GET /auth/github" and is_positive(case):
        kwargs["auth"] = as_bearer(FIXTURE["member_key"])
    if label == "GET /auth/github/callback" and is_positive(case):
        case.query, cookie = way_back(kwargs["base_url"] if "base_url" in kwargs else case.operation.base_url)
        headers["Cookie"] = cookie
    if label == "POST /internal/wake" and is_positive(case):
        stamp, nonce = str(int(time.time())), uuid.uuid4().hex
        headers.update({"X-KotaDB-Timestamp": stamp, "X-KotaDB-Nonce": nonce})
        headers["X-KotaDB-Signature"] = signature(FIXTURE["tick_secret"], f"{stamp}.{nonce}".encode())
    if label == "POST /api/v1/repositories/{id}/scip" and is_positive(case):
        # An index of one document: no schema states what bytes are one.
        case.body = b"\x12\x0d\x0a\x0bsrc/main.rs"
    if label.startswith("POST /webhooks/") and is_positive(case):
        headers["X-GitHub-Delivery"] = str(uuid.uuid4())
        secret = FIXTURE["app_secret" if label.endswith("/app") else "hook_secret"]
        kwargs["auth"] = lambda request: signed(request, secret)


@schemathesis.hook
def after_call(context, case, response):
    with LOCK:
        LOG.write(json.dumps({"operation": case.operation.label, "status": response.status_code}) + "\n")
        LOG.flush()
