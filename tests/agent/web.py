"""A web server for tests, on a port of its own, with paths that answer in all the wrong ways."""

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers from the table of its server."""

    server: "_Listener"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        web = self.server.web
        path = self.path.partition("?")[0]
        with web.lock:
            web.requests.append(self.path)
            web.asked.notify_all()
        web.answers.get(path, status(404))(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    web: "Web"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: those who ask hang up when they please."""


class Web:
    """The server, as long as its context lasts."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self.asked = threading.Condition(self.lock)
        #: Set at the end: those who answer nothing may go.
        self.is_over = threading.Event()
        self._listener = _Listener(("127.0.0.1", 0), Handler)
        self._listener.web = self
        scheme = "http"
        if certificate is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._listener.socket = context.wrap_socket(self._listener.socket, server_side=True)
        self.url = f"{scheme}://localhost:{self._listener.server_port}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()

    def wait_for_requests(self, count: int) -> None:
        with self.asked:
            assert self.asked.wait_for(lambda: len(self.requests) >= count, 30)


def text(body: str | bytes) -> Answer:
    data = body.encode() if isinstance(body, str) else body

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def status(code: int) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "6")
        handler.end_headers()
        handler.wfile.write(b"reason")

    return answer


def redirect(location: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def broken(body: str, length: int) -> Answer:
    """Promise `length` bytes, and hang up after less."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(body.encode())
        handler.close_connection = True

    return answer


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def silence(handler: Handler) -> None:
    """Begin an answer and say no more until the test is over."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"beginning")
    handler.wfile.flush()
    handler.server.web.is_over.wait(30)
    handler.close_connection = True


def in_turn(*answers: Answer) -> Answer:
    """Give one answer after the other, the last one for ever."""
    waiting = list(answers)

    def answer(handler: Handler) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)

    return answer
