"""What the command line promises to people and to other programs."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests import service
from tests.service import BATCHYARD, FIRST, OTHER, READY
from tests.yard import Yard

USAGE_ERROR = 2


def test_the_ready_line_has_the_form_that_other_programs_read(yard: Yard):
    server = yard.up()

    match = READY.fullmatch(server.ready_line)

    assert match is not None
    assert server.port > 0
    assert server.get("/-/health")[0] == 200
    with server.client() as client:
        assert list(client.list_pools()) == []


def test_the_account_stays_the_same_from_one_start_to_the_next(yard: Yard):
    first = yard.up()
    first.end(signal.SIGTERM)

    second = yard.up()

    assert (second.account, second.key) == (first.account, first.key)


def test_the_port_that_is_asked_for_is_taken(yard: Yard):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    server = yard.up(port=port)

    assert server.endpoint == f"http://127.0.0.1:{port}"


def test_the_accounts_that_are_given_are_served_and_the_first_is_named(yard: Yard):
    server = yard.up("--accounts", f"{FIRST.name}:{FIRST.key};{OTHER.name}:{OTHER.key}")

    assert (server.account, server.key) == (FIRST.name, FIRST.key)
    for account in (FIRST, OTHER):
        with server.client(account) as client:
            assert list(client.list_pools()) == []


def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(yard: Yard):
    first = yard.up()

    with pytest.raises(service.NotReadyError) as caught:
        yard.up()

    assert str(yard.data) in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert first.get("/-/ready")[0] == 200


def test_a_port_in_use_is_told_in_words(yard: Yard):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(service.NotReadyError) as caught:
            yard.up(port=port)

    assert str(port) in str(caught.value)
    assert "in use" in str(caught.value).lower()
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "http"], "port"),
        (["--port", "70000"], "port"),
        (["--accounts", "onlyaname"], "accounts"),
        (["--accounts", "name:not base64!"], "accounts"),
        (["--accounts", ""], "accounts"),
        (["--memory", "--data", "somewhere"], "memory"),
        (["--no-such-option"], "no-such-option"),
    ],
)
def test_a_bad_option_is_named_and_explained(arguments: list[str], words: str, tmp_path: Path):
    result = _batchyard(tmp_path, "up", *arguments)

    assert result.returncode == USAGE_ERROR
    assert result.stdout == ""
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_data_that_cannot_be_used_is_told_in_words(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("not a folder")

    result = _batchyard(tmp_path, "up", "--port", "0", "--data", str(file))

    assert result.returncode not in (0, None)
    assert str(file) in result.stderr
    assert "Traceback" not in result.stderr


def test_down_where_nothing_is_says_so(tmp_path: Path):
    result = _batchyard(tmp_path, "down", "--data", str(tmp_path / "none"))

    assert "Traceback" not in result.stderr
    assert result.stdout + result.stderr != ""


def test_help_names_the_commands(tmp_path: Path):
    result = _batchyard(tmp_path, "--help")

    assert result.returncode == 0
    assert {"up", "down"} <= set(result.stdout.split())


def _batchyard(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BATCHYARD, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
    )
