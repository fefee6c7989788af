"""JupyterLab as `make lab` starts it, in a folder of its own, and gone with all of its kernels afterwards."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import psutil

from asp_analysis.config import StoreUrl
from asp_analysis.notebook_copies import copy_notebooks

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
STARTS_WITHIN = 60  # seconds
SETTINGS = {
    # All cells stay in the page, or those outside of the window could be neither counted nor seen in a picture.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
# Should this process be killed, so that it cannot stop the server, the server stops by itself.
CONFIG = {
    "ServerApp": {"shutdown_no_activity_timeout": 180},
    "MappingKernelManager": {"cull_idle_timeout": 120, "cull_interval": 30},
}


@dataclass(frozen=True)
class LabServer:
    """A server that runs: its folder, its process, its address without the token, and its token."""

    folder: Path
    process: psutil.Process
    url: str
    token: str

    def family(self) -> list[psutil.Process]:
        """Return its process and all that it started."""
        return [self.process, *self.process.children(recursive=True)]

    def ask(self, path: str, method: str = "GET", token: str | None = None) -> str:
        """Return the answer to a request, made with the server's token unless another is given."""
        header = {"Authorization": f"token {self.token if token is None else token}"}
        request = urllib.request.Request(self.url + path, headers=header, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def stop_kernels(self) -> None:
        """End every kernel, so that the next notebook has the machine for itself."""
        for session in json.loads(self.ask("api/sessions")):
            self.ask(f"api/sessions/{session['id']}", method="DELETE")


def recipe(arguments: str) -> tuple[dict[str, str], list[str]]:
    """Return what `make lab` ends in, with the Jupyter of this Python: what it adds to the environment, the command."""
    shown = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "lab", f"VENV={sys.prefix}", f"ARGS={arguments}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    words = shlex.split(shown.stdout.splitlines()[-1])
    added = list(takewhile(lambda word: re.match(r"[A-Z_]+=", word), words))
    return dict(word.split("=", 1) for word in added), words[len(added) :]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def prepare(folder: Path, store: StoreUrl) -> dict[str, str]:
    """Fill the folder, and return an environment in which nothing of the user is left but the path."""
    copy_notebooks(ROOT / "notebooks", folder / "data" / "notebooks")
    config = folder / "config"
    (config / "labconfig").mkdir(parents=True)
    (config / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
    (config / "jupyter_server_config.json").write_text(json.dumps(CONFIG))
    names = ["HOME", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR", "TMPDIR"]
    folders = {name: folder / name.lower() for name in names}
    for path in folders.values():
        path.mkdir()
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {name: str(path) for name, path in folders.items()} | {"JUPYTER_CONFIG_DIR": str(config)}
    return own | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python_path,
        "DATABASE_URL": store.text,
        "LC_ALL": "C.UTF-8",
    }


def listens(port: int) -> bool:
    """Return whether something accepts connections at a port of this machine."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def wait_for_address(process: psutil.Popen, runtime: Path, log: Path) -> tuple[str, str]:
    """Return address and token once the server has written them down, which it does just before it listens."""
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            said = json.loads(path.read_text() or "{}")
            if said and listens(said["port"]):
                return said["url"], said["token"]
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start within {STARTS_WITHIN} s:\n{log.read_text()[-3000:]}")


def stop(process: psutil.Popen) -> None:
    """End the server, and whatever of its kernels it leaves behind (each is in a session of its own)."""
    family = [process]
    if process.is_running():
        family += process.children(recursive=True)
        process.terminate()
    psutil.wait_procs([process], timeout=10)
    for left in psutil.wait_procs(family, timeout=2)[1]:
        left.kill()
    psutil.wait_procs(family, timeout=5)


@contextmanager
def running_lab(folder: Path, store: StoreUrl) -> Iterator[LabServer]:
    """Serve a copy of the notebooks on a store, from a folder that is empty before."""
    environment = prepare(folder, store)
    added, command = recipe(f"--no-browser --port={free_port()}")
    environment |= added
    log = folder / "server.log"
    with log.open("w") as written:
        # In the group of this process: what ends the tests by a signal to the group ends the server too.
        process = psutil.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        yield LabServer(folder, process, *wait_for_address(process, folder / "jupyter_runtime_dir", log))
    finally:
        stop(process)
