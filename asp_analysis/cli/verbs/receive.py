"""`asp-analysis receive`: telemetry over HTTP, straight from the programs that send it."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import db_option
from asp_analysis.cli.printing import note, say

if TYPE_CHECKING:
    from asp_analysis.config import StoreUrl

_PORT = 4318
_LOOPBACK = "127.0.0.1"


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=_PORT, show_default=True, help="0 chooses a free one.")
@click.option(
    "--host",
    default=_LOOPBACK,
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen; beyond this machine, --token-file is required.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take requests only with the token in FILE.",
)
@db_option
def command(port: int, host: str, token_file: Path | None, db: str | None) -> None:
    """Receive telemetry over HTTP (OTLP) until Ctrl-C.

    Logs, traces and metrics, as JSON or protobuf. A request is on the disk before it is answered; then its calls are
    stored as those of a file. It prints the line that sets up each program. /metrics and /health say how it is.

    Example: asp-analysis receive --port 4318
    """
    from asp_analysis.cli.passwords import read_secret
    from asp_analysis.config import store_url
    from asp_analysis.privacy import as_private_as, make_folder

    logging.basicConfig(format="%(message)s")
    url = store_url(db)
    token = read_secret(token_file, "token") if token_file else None
    _check_store(url)
    make_folder(url.spill_path.parent, url)  # what this machine keeps of a server may have none yet
    from asp_analysis.receiving.receiver import Receiver

    with as_private_as(url):
        Receiver(url, token).run(host, port, lambda chosen: _say_ready(host, chosen, token is not None))
    note("Stopped. What was received is stored, or waits next to the store for the rest of its trace.")


def _check_store(url: "StoreUrl") -> None:
    """Open the store once: one that is missing, or of an older version, is better known before anything comes."""
    from asp_analysis.store.database import open_store

    with open_store(url):
        pass


def _say_ready(host: str, port: int, has_token: bool) -> None:
    from asp_analysis.receiving.setup_lines import setup_lines

    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}"
    say(f"Receiving at {address}. Stop with Ctrl-C.")
    for program, line in setup_lines(address, has_token).items():
        click.echo(f"{program}: {line}")
    sys.stdout.flush()
