"""A real Spark for the tests: a master, two workers and a Connect server, each a process on the loopback address.

It comes from the wheel of pyspark, which `make spark` puts into build/spark, and needs Java 17. The workbench itself
speaks to it with the thin client only.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import pytest

HOME = Path(__file__).resolve().parents[2] / "build" / "spark" / "pyspark"
LACKS_JAVA = "there is no Java; Debian has it as openjdk-17-jre-headless"
LACKS_SPARK = f"Spark is not in {HOME.parent}; `make spark` puts it there"

_START_S = 240
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
_EXECUTOR = "CoarseGrainedExecutorBackend"
_LIGHT = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Much is compiled for a few seconds of work: less well is sooner."""


def lacking() -> str | None:
    """Return why no Spark can be started here, None where it can."""
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        return LACKS_JAVA
    return None if (HOME / "bin" / "spark-class").is_file() else LACKS_SPARK


def needed() -> None:
    """Skip where no Spark can be started, with the reason; on CI fail instead: there it must run."""
    reason = lacking()
    if reason is not None and os.environ.get("CI"):
        pytest.fail(f"Nothing was tested on Spark: {reason}.")
    if reason is not None:
        pytest.skip(f"NOTHING IS TESTED ON SPARK: {reason}")


@dataclass
class SparkProcesses:
    """The processes of a cluster, its folder, and the address of its Connect server."""

    folder: Path
    workers: int = 2
    options: tuple[str, ...] = (_LIGHT,)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def remote(self) -> str:
        return f"sc://127.0.0.1:{self.ports['connect']}"

    def start(self) -> None:
        """Start all and wait until the server answers and every worker is known."""
        names = ("master", "page", "connect")
        self.ports = dict(zip(names, _free_ports(len(names)), strict=True))
        master = ["--host", "127.0.0.1", "--port", str(self.ports["master"]), "--webui-port", str(self.ports["page"])]
        self._run("master", "spark-class", _MASTER, *master)
        self._wait("master", lambda: _is_open(self.ports["page"]))
        for number in range(self.workers):
            place = ["--work-dir", str(self.folder / f"work-{number}"), f"spark://127.0.0.1:{self.ports['master']}"]
            size = ["--host", "127.0.0.1", "--cores", "1", "--memory", "2g", "--webui-port", "0"]
            self._run(f"worker-{number}", "spark-class", _WORKER, *size, *place)
        self.start_connect_server()
        self._wait("worker-0", lambda: self._state()["aliveworkers"] == self.workers)

    def start_connect_server(self) -> None:
        """Start the Connect server, which is the driver of what is asked of it."""
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": self.ports["connect"],
            "spark.driver.host": "127.0.0.1",
            "spark.driver.extraJavaOptions": " ".join(self.options),
            "spark.executor.extraJavaOptions": " ".join(self.options),
            "spark.executor.memory": "1536m",
            "spark.sql.shuffle.partitions": 4,
            "spark.ui.enabled": "false",
        }
        words = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        master = ["--master", f"spark://127.0.0.1:{self.ports['master']}", "--driver-memory", "1g"]
        self._run("connect", "spark-submit", "--class", _CONNECT, *master, *words)
        self._wait("connect", lambda: _is_open(self.ports["connect"]))

    def kill_connect_server(self) -> None:
        """Kill the driver, as a machine that fails."""
        os.killpg(self.processes["connect"].pid, signal.SIGKILL)
        self.processes["connect"].wait()

    def kill(self, executor: int) -> None:
        """Kill an executor of these workers, as a machine that fails."""
        assert executor in self.executors()
        os.kill(executor, signal.SIGKILL)

    def executors(self) -> list[int]:
        """Return the process numbers of the executors: the children of the workers."""
        workers = {process.pid for name, process in self.processes.items() if name.startswith("worker")}
        return [number for number, parent, words in _known_processes() if parent in workers and _EXECUTOR in words]

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds of each process and of the executors so far."""
        found = {name: _cpu_s(process.pid) for name, process in self.processes.items()}
        return found | {f"executor {number}": _cpu_s(number) for number in self.executors()}

    def lost_executors(self) -> int:
        """Count the executors whose loss the driver has noticed."""
        return (self.folder / "connect.log").read_text(errors="replace").count("Lost executor")

    def stop(self) -> None:
        """End all that was started."""
        for process in reversed(self.processes.values()):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _run(self, name: str, program: str, *words: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK"))}
        environment |= {
            "SPARK_HOME": str(HOME),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.folder / "scratch"),
            "SPARK_DAEMON_MEMORY": "1g" if name == "connect" else "256m",  # it is the driver, too
            "SPARK_DAEMON_JAVA_OPTS": _LIGHT,
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(HOME / "bin" / program), *words],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
                start_new_session=True,
            )

    def _wait(self, name: str, is_ready) -> None:
        begun = time.monotonic()
        while self.processes[name].poll() is None and time.monotonic() - begun < _START_S:
            if is_ready():
                return
            time.sleep(0.2)
        raise RuntimeError(f"{name} did not start: {(self.folder / f'{name}.log').read_text(errors='replace')[-3000:]}")

    def _state(self) -> dict:
        with urlopen(f"http://127.0.0.1:{self.ports['page']}/json/", timeout=10) as answer:
            return json.load(answer)


@contextmanager
def running_cluster(folder: Path, **options) -> Iterator[SparkProcesses]:
    """Give a cluster that is stopped at the end of the block; options: those of `SparkProcesses`."""
    cluster = SparkProcesses(folder, **options)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _known_processes() -> Iterator[tuple[int, int, str]]:
    """Yield number, parent and command line of every process that this system shows (Linux)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield int(entry.name), int(_stat(int(entry.name))[1]), words


def _stat(number: int) -> list[str]:
    """Return the fields of /proc/NUMBER/stat from the state on; the name before it may hold anything."""
    return (Path("/proc") / str(number) / "stat").read_text().rpartition(")")[2].split()


def _cpu_s(number: int) -> float:
    """Return the CPU seconds of a process, 0 of one that has ended."""
    with suppress(OSError):
        fields = _stat(number)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _is_open(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    """Return so many free ports, all found while the others are held."""
    with ExitStack() as stack:
        probes = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
