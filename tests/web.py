"""A web server on a port of its own that keeps files: GET gives one, PUT stores one."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class _Handler(BaseHTTPRequestHandler):
    server: "_Listener"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        web = self.server.web
        with web.lock:
            web.gets.append(self.path)
            content = web.files.get(self.path)
        self._answer(404 if content is None else 200, content or b"")

    def do_PUT(self) -> None:
        web = self.server.web
        content = self.rfile.read(int(self.headers["Content-Length"]))
        with web.lock:
            web.files[self.path] = content
        self._answer(201, b"")

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    web: "Web"


class Web:
    """The server, as long as its context lasts."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        #: The paths that were asked for, oldest first.
        self.gets: list[str] = []
        self.lock = threading.Lock()
        self._listener = _Listener(("127.0.0.1", 0), _Handler)
        self._listener.web = self
        self.url = f"http://127.0.0.1:{self._listener.server_port}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()

    def serve(self, path: str, content: bytes | str) -> str:
        """Have a file under `path` and return its address."""
        with self.lock:
            self.files[path] = content.encode() if isinstance(content, str) else content
        return self.url + path
