"""`asp-analysis lab`: the notebooks in JupyterLab, from any folder."""

import os
import shutil
import sys
from pathlib import Path

import click

from asp_analysis.cli.options import db_option
from asp_analysis.cli.printing import note


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--no-browser", is_flag=True, help="Start the server and print its address.")
@click.option("--port", type=click.IntRange(1, 65_535), help="The server's port. [default: 8888, or the next free one]")
@click.option("--copy-only", is_flag=True, help="Copy the notebooks and start nothing.")
@db_option
def command(folder: Path | None, no_browser: bool, port: int | None, copy_only: bool, db: str | None) -> None:
    """Open the notebooks in JupyterLab.

    FOLDER gets copies of them, by default `notebooks` next to the store. A copy that you changed is left as it is. A
    missing store is created empty.

    Example: asp-analysis lab
    """
    from asp_analysis.config import store_url, supplied_dir
    from asp_analysis.notebook_copies import copy_notebooks
    from asp_analysis.store.database import create_store

    url = store_url(db)
    if url.is_missing():
        create_store(url)
        note(f"Created the empty store {url.shown}. To see the sample instead: asp-analysis init --sample")
    target = (folder or url.data_dir / "notebooks").absolute()
    source = supplied_dir("notebooks")
    for name in copy_notebooks(source, target):
        note(f"{target / name} was changed and is left as it is. Delete it to get the new one.")
    note(f"The notebooks are in {target}.")
    if not copy_only:
        options = ["--no-browser"] * no_browser + [f"--port={port}"] * (port is not None)
        _open_lab(options, target, {"DATABASE_URL": url.text, "JUPYTER_CONFIG_PATH": str(source / ".jupyter")})


def _open_lab(options: list[str], folder: Path, settings: dict[str, str]) -> None:
    """Become JupyterLab, on the first page, with settings (environment variables) that ask for nothing from outside."""
    words = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--notebook-dir={folder}"]
    words.append("--LabApp.default_url=/lab/tree/start.md")  # a query here would break the address that is printed
    words += options + ["--allow-root"] * (os.geteuid() == 0)
    layout = folder / ".layout"
    shutil.rmtree(layout, ignore_errors=True)  # the first page opens alone, whatever was open before
    environment = os.environ | settings | {"JUPYTERLAB_WORKSPACES_DIR": str(layout)}
    sys.stdout.flush()
    os.execve(sys.executable, words, environment)
