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

import schemathesis
from hypothesis import strategies as st

FIXTURE = json.loads(os.environ["KOTADB_CONTRACT"])
LOG = open(os.environ["KOTADB_CONTRACT_LOG"], "a", encoding="utf-8")
LOCK = threading.Lock()
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
    if label == "DELETE /api/v1/tenants/{id}" and parameters.get("id") == FIXTURE["tenant"]:
        # Afterwards the key would open nothing, and nothing more could be asked.
        parameters["id"] = str(uuid.uuid4())
    if label == "POST /internal/wake" and is_positive(case):
        stamp, nonce = str(int(time.time())), uuid.uuid4().hex
        headers.update({"X-KotaDB-Timestamp": stamp, "X-KotaDB-Nonce": nonce})
        headers["X-KotaDB-Signature"] = signature(FIXTURE["tick_secret"], f"{stamp}.{nonce}".encode())
    if label.startswith("POST /webhooks/") and is_positive(case):
        headers["X-GitHub-Delivery"] = str(uuid.uuid4())
        secret = FIXTURE["app_secret" if label.endswith("/app") else "hook_secret"]
        kwargs["auth"] = lambda request: signed(request, secret)


@schemathesis.hook
def after_call(context, case, response):
    with LOCK:
        LOG.write(json.dumps({"operation": case.operation.label, "status": response.status_code}) + "\n")
        LOG.flush()
