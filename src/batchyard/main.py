"""The ``batchyard`` command."""

import gc
import logging
import os
import sys
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click
import platformdirs

from batchyard.server import accounts as account_options
from batchyard.server.data_folder import AlreadyServing, DataFolder, StillServing

_DATA_HELP: Final = "Folder of everything durable.  [default: the user's data folder]"

#: Seconds after which a thread gives the interpreter to another one. The default of 5 ms is far
#: longer than a whole transaction (architecture.md section 9).
_SWITCH_SECONDS: Final = 0.0005

#: New objects after which to look for garbage in cycles, of which hardly any is made: a transaction
#: makes thousands of objects that all go by themselves. Source: ours.
_COLLECTION_OBJECTS: Final = 20_000


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="batchyard")
def main() -> None:
    """A self-hosted service that speaks the Azure Batch REST API and runs the work for real."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8460,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help=_DATA_HELP)
@click.option("--memory", is_flag=True, help="Keep nothing: all is gone when the server ends.")
@click.option(
    "--accounts",
    metavar="NAME:KEY[;NAME:KEY]",
    help="Accounts and their base64 keys.  [default: one with a published key]",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more of what happens, on stderr.")
def up(
    host: str, port: int, data: Path | None, accounts: str | None, *, memory: bool, verbose: bool
) -> None:
    """Start a server and serve until SIGTERM or Ctrl-C.

    Prints one line to stdout when it serves: "ready endpoint=... account=... key=...". Tasks that
    run go on when the server ends, and a new one on the same data finds them again; `batchyard
    down` ends them too.
    """
    if memory and data is not None:
        raise click.UsageError("--memory keeps nothing, so it takes no --data")
    try:
        keys = account_options.parse(accounts)
    except account_options.BadAccounts as error:
        raise click.BadParameter(str(error), param_hint="--accounts") from None
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    os.umask(0o077)
    sys.setswitchinterval(_SWITCH_SECONDS)
    _serve(host, port, data, keys, memory=memory)


@main.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help=_DATA_HELP)
def down(data: Path | None) -> None:
    """End the server of a data folder, its nodes and all their tasks.

    Nothing stored is lost: a new server on the same data runs again what was interrupted.
    """
    from batchyard.fleet.places import homes_of  # noqa: PLC0415  # Keeps `--help` quick.
    from batchyard.server.ephemeral import end_nodes  # noqa: PLC0415

    path = _data_path(data)
    folder = DataFolder(path)
    if not path.is_dir():
        raise click.ClickException(f"there is no data folder {path}")
    try:
        pid = folder.end_server()
        with folder:
            nodes = end_nodes(homes_of(path))
    except (StillServing, AlreadyServing, OSError) as error:
        raise click.ClickException(str(error)) from None
    server = "no server ran" if pid is None else f"ended the server, process {pid}"
    click.echo(f"{server}; {nodes} node{'' if nodes == 1 else 's'} ended")


def _serve(host: str, port: int, data: Path | None, keys: dict[str, str], *, memory: bool) -> None:
    from batchyard.fleet.places import forsaken_homes, homes_of  # noqa: PLC0415  # As above.
    from batchyard.server import ephemeral  # noqa: PLC0415
    from batchyard.server.server import Server, listen  # noqa: PLC0415
    from batchyard.store.store import SchemaTooNew  # noqa: PLC0415

    with ExitStack() as stack:
        path = stack.enter_context(ephemeral.temporary_folder()) if memory else _data_path(data)
        try:
            folder = stack.enter_context(DataFolder(path))
            listener = stack.enter_context(listen(host, port))
            homes = homes_of(path)
            if memory:
                stack.callback(homes.remove)
                stack.callback(ephemeral.end_nodes, homes)
            server = Server(
                folder.database,
                homes,
                keys,
                is_durable=not memory,
                server_watch=ephemeral.own_watch() if memory else None,
            )
        except (AlreadyServing, SchemaTooNew, OSError) as error:
            raise click.ClickException(str(error)) from None
        for forsaken in forsaken_homes():
            ephemeral.end_nodes(forsaken)
            forsaken.remove()
        _greet(path, homes.folder, host, keys, memory=memory)
        gc.freeze()
        gc.set_threshold(_COLLECTION_OBJECTS)
        server.run(listener, lambda endpoint: _say_ready(endpoint, keys))


def _greet(path: Path, homes: Path, host: str, keys: dict[str, str], *, memory: bool) -> None:
    kept = "nothing is kept" if memory else f"data in {path}"
    click.echo(f"batchyard {version('batchyard')}: {kept}, nodes in {homes}", err=True)
    if os.geteuid() != 0:
        click.echo("not root: tasks run as you, and admin tasks too", err=True)
    if (
        host not in ("127.0.0.1", "::1", "localhost")
        and keys.get(account_options.DEFAULT_ACCOUNT) == account_options.DEFAULT_KEY
    ):
        click.echo(
            f"warning: {host} may be reached by others, and the default key is known to everybody; "
            "use --accounts",
            err=True,
        )


def _say_ready(endpoint: str, keys: dict[str, str]) -> None:
    name, key = next(iter(keys.items()))
    click.echo(f"ready endpoint={endpoint} account={name} key={key}")


def _data_path(data: Path | None) -> Path:
    return (data or platformdirs.user_data_path("batchyard")).absolute()


if __name__ == "__main__":
    main()
