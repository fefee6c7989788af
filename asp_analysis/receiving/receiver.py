"""A receiver as a whole: the door, what it keeps, and the process that loads it."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from asp_analysis.config import StoreUrl
from asp_analysis.errors import ConfigError
from asp_analysis.receiving.door import Door, DoorCounts, open_door
from asp_analysis.receiving.received_spill import ReceivedSpill

log = logging.getLogger("asp_analysis.receiving")

_TICK_S, _LET_GO_AFTER_S = 0.25, 0.5
_RESTART_S, _END_S = 5.0, 60.0
_THREADS = 4
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Receiver:
    """Listens until it is stopped; `url` is the store that everything goes to."""

    def __init__(self, url: StoreUrl, token: str | None) -> None:
        self._spill = ReceivedSpill(url.spill_path)
        self._counts, self._loader = DoorCounts(), _Loader(url)
        self._door = Door(
            spill=self._spill,
            token=token,
            counts=self._counts,
            threads=ThreadPoolExecutor(_THREADS),
            describe=self._describe,
            find_trouble=self._loader.find_trouble,
        )

    def run(self, host: str, port: int, on_ready: Callable[[int], None]) -> None:
        """Receive until SIGINT or SIGTERM; `on_ready` gets the port.

        Raises:
            ConfigError: the address cannot be listened on, or is not of this machine alone and there is no token.
        """
        if host not in LOOPBACK and self._door.token is None:
            raise ConfigError(
                f"{host} can be reached from outside this machine, and there is no token. Write one into a file and "
                "name it with --token-file, or leave --host out."
            )
        asyncio.run(self._run(host, port, on_ready))

    async def _run(self, host: str, port: int, on_ready: Callable[[int], None]) -> None:
        server, chosen = open_door(self._door, host, port)
        is_over = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, is_over.set)
        self._loader.start()
        on_ready(chosen)
        while not is_over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), _TICK_S)
            self._spill.let_go(_LET_GO_AFTER_S)
            self._loader.keep_running()
        server.stop()
        await server.close_all_connections()
        self._door.threads.shutdown()
        self._spill.let_go()
        await asyncio.get_running_loop().run_in_executor(None, self._loader.end)

    def _describe(self) -> str:
        """Return the counts in the text format of Prometheus."""
        came, loaded = self._counts, self._loader.counts
        lines = [
            *_metric("requests_total", "counter", "Requests of telemetry that came.", self._counts.requests),
            *_metric("refused_total", "counter", "Requests that were refused.", self._counts.refused),
            *_metric(
                "received_bytes_total", "counter", "Bytes of requests that were kept.", self._counts.received_bytes
            ),
            *_metric("records_total", "counter", "Spans and events that were read.", loaded.get("records", 0)),
            *_metric("points_passed_over_total", "counter", "Points of metrics.", loaded.get("points", 0)),
            *_metric("rejected_total", "counter", "Records that were rejected.", loaded.get("rejected", 0)),
            *_metric("waiting_records", "gauge", "Records that wait for their trace.", loaded.get("waiting", 0)),
            *_metric("up", "gauge", "1 where what is kept is also loaded.", int(not self._loader.find_trouble())),
            "# HELP asp_receive_answers_total Answers by status.",
            "# TYPE asp_receive_answers_total counter",
            *(
                f'asp_receive_answers_total{{status="{status}"}} {count}'
                for status, count in sorted(came.by_status.items())
            ),
        ]
        return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, text: str, value: int) -> tuple[str, str, str]:
    full = f"asp_receive_{name}"
    return f"# HELP {full} {text}", f"# TYPE {full} {kind}", f"{full} {value}"


class _Loader:
    """The process that loads: started, watched, and started again where it ends."""

    def __init__(self, url: StoreUrl) -> None:
        self._url = url
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._is_ending = False
        self.counts: dict[str, Any] = {}

    def start(self) -> None:
        """Start it; the address of the store, which may hold a password, goes through a pipe."""
        self._started_at = time.monotonic()
        command = [sys.executable, "-m", "asp_analysis.receiving.loader_process"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if self._process.stdin is not None:
            told = {"text": self._url.text, "path": None if self._url.path is None else str(self._url.path)}
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            self._process.stdin.flush()
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        for line in process.stdout or ():
            self.counts = json.loads(line)

    def keep_running(self) -> None:
        """Start it again where it ended by itself, some seconds after it began."""
        if self._process is None or self._process.poll() is None or time.monotonic() - self._started_at < _RESTART_S:
            return
        log.warning("The process that loads ended with %s; it is started again.", self._process.returncode)
        self.start()

    def find_trouble(self) -> str:
        """Return why what is kept is not loaded; empty where it is."""
        if self._process is None or self._process.poll() is not None:
            return "The process that loads has ended; requests are kept until it runs again."
        return str(self.counts.get("failure", ""))

    def end(self) -> None:
        """Let it store what is whole and end."""
        if self._process is None or self._process.stdin is None:
            return
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
