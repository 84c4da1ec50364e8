"""Serves moto's S3 on a free port of this machine: prints the address, ends when its standard input does.

One request at a time. moto compares If-Match with the stored object and stores the new one in two steps, so two
threads could both pass the comparison; a real store decides that atomically.
"""

import os
import sys
import threading

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    """Logs nothing, and keeps connections open as S3 does."""

    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


def one_at_a_time(app):
    lock = threading.Lock()

    def serve(environ, start_response):
        with lock:
            return list(app(environ, start_response))

    return serve


def main():
    app = one_at_a_time(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
