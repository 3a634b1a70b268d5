"""Downloads of one file: what a server may do, and what is said of it."""

import asyncio

import pytest

from batchyard.agent.download import Patience, download, open_session, without_secrets
from batchyard.agent.fetch_link import NotFetched
from batchyard.core.states import EndCause
from tests.agent import web
from tests.agent.web import Web

IMPATIENT = Patience(connect_seconds=5.0, silence_seconds=0.1, pauses=(0.0, 0.0))

SECRET = "sig=s%2Fecret"


class Body:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def empty(self) -> None:
        self.data = b""


def fetch(url: str) -> bytes:
    async def run() -> bytes:
        body = Body()
        async with open_session(IMPATIENT) as session:
            await download(session, url, body, IMPATIENT)
        return body.data

    return asyncio.run(run())


def failure(url: str) -> NotFetched:
    with pytest.raises(NotFetched) as caught:
        fetch(url)
    assert "ecret" not in str(caught.value)
    return caught.value


def test_a_file_comes_as_it_is(server: Web) -> None:
    data = bytes(range(256)) * 5000
    server.answers["/a"] = web.text(data)
    assert fetch(f"{server.url}/a") == data


def test_a_signature_is_sent_as_it_was_given(server: Web) -> None:
    server.answers["/a%20b"] = web.text("x")
    query = "sp=r&se=2026-01-01T00%3A00%3A00Z&sig=a%2Bb%2F%3D%3d+'!"
    fetch(f"{server.url}/a%20b?{query}")
    assert server.requests == [f"/a%20b?{query}"]


def test_a_url_with_characters_that_no_request_has_is_sent_in_their_code(server: Web) -> None:
    server.answers["/%C3%A9%20b"] = web.text("x")
    assert fetch(f"{server.url}/é b") == b"x"


def test_compressed_files_are_not_unpacked(server: Web) -> None:
    def answer(handler: web.Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"\x1f\x8b123")

    server.answers["/a.gz"] = answer
    assert fetch(f"{server.url}/a.gz") == b"\x1f\x8b123"


def test_a_redirection_is_followed_and_its_signature_kept(server: Web) -> None:
    server.answers["/a"] = web.redirect("/b?sig=x%2Fy")
    server.answers["/b"] = web.text("there")
    assert fetch(f"{server.url}/a") == b"there"
    assert server.requests[-1] == "/b?sig=x%2Fy"


@pytest.mark.parametrize("location", ["/a?sig=secret", "ftp://localhost/secret", "http://[secret"])
def test_a_redirection_that_leads_nowhere_fails_at_once(server: Web, location: str) -> None:
    server.answers["/a"] = web.redirect(location)
    error = failure(f"{server.url}/a?{SECRET}")
    assert error.cause is EndCause.FILE_DOWNLOAD_FAILED
    assert "redirects" in str(error)
    assert len(server.requests) <= 11


@pytest.mark.parametrize(
    ("code", "cause", "requests"),
    [
        (404, EndCause.FILE_NOT_FOUND, 1),
        (410, EndCause.FILE_NOT_FOUND, 1),
        (401, EndCause.FILE_ACCESS_DENIED, 1),
        (403, EndCause.FILE_ACCESS_DENIED, 1),
        (400, EndCause.FILE_DOWNLOAD_FAILED, 1),
        (409, EndCause.FILE_DOWNLOAD_FAILED, 1),
        (408, EndCause.FILE_DOWNLOAD_FAILED, 3),
        (429, EndCause.FILE_DOWNLOAD_FAILED, 3),
        (500, EndCause.FILE_DOWNLOAD_FAILED, 3),
        (503, EndCause.FILE_DOWNLOAD_FAILED, 3),
    ],
)
def test_each_status_has_its_cause_and_its_attempts(
    server: Web, code: int, cause: EndCause, requests: int
) -> None:
    server.answers["/a"] = web.status(code)
    error = failure(f"{server.url}/a?{SECRET}")
    assert error.cause is cause
    assert f"{server.url}/a answered {code}" in str(error)
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    "trouble", [web.status(503), web.hang_up, web.broken("half", 100), web.silence]
)
def test_trouble_that_passes_is_forgotten(server: Web, trouble: web.Answer) -> None:
    server.answers["/a"] = web.in_turn(trouble, trouble, web.text("at last"))
    assert fetch(f"{server.url}/a") == b"at last"


@pytest.mark.parametrize(
    ("trouble", "cause", "words"),
    [
        (web.hang_up, EndCause.FILE_DOWNLOAD_FAILED, "closed the connection"),
        (web.broken("half", 100), EndCause.FILE_DOWNLOAD_FAILED, "before the end of the file"),
        (web.silence, EndCause.FILE_TIMED_OUT, "did not answer in time"),
    ],
)
def test_trouble_that_stays_has_its_cause(
    server: Web, trouble: web.Answer, cause: EndCause, words: str
) -> None:
    server.answers["/a"] = trouble
    error = failure(f"{server.url}/a?{SECRET}")
    assert (error.cause, words in str(error)) == (cause, True)
    assert len(server.requests) >= 3


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://localhost:1/a?secret", "Connect call failed"),
        ("http://no-such-host.invalid/a?secret", "address cannot be found"),
        ("ftp://localhost/a?secret", "not, an http or https URL"),
        ("file:///etc/secret", "not, an http or https URL"),
        ("no url, but a secret", "not, an http or https URL"),
        ("http://[secret", "not, an http or https URL"),
        ("", "not, an http or https URL"),
        ("http://localhost:99999/?secret", "not, an http or https URL"),
    ],
)
def test_a_url_that_leads_to_no_server_cannot_be_downloaded(url: str, words: str) -> None:
    error = failure(url)
    assert error.cause is EndCause.FILE_DOWNLOAD_FAILED
    assert words in str(error)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.b/c/d.txt?sig=secret#secret", "https://a.b/c/d.txt"),
        ("http://user:secret@host:80/x", "http://host:80/x"),
        ("http://[::1", "the URL"),
        ("secret", "the URL"),
    ],
)
def test_the_secrets_of_a_url_are_not_shown(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
