"""SPARK_REMOTE without a cluster: each mistake is one clear line, and a token is never part of it."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from asp_analysis.errors import ConfigError, StoreError
from asp_analysis.spark import REMOTE_VARIABLE, MartText, cluster, wanted_cluster

ROOT = Path(__file__).resolve().parents[1]


def test_without_the_variable_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv(REMOTE_VARIABLE, raising=False)
    assert wanted_cluster() is None
    monkeypatch.setenv(REMOTE_VARIABLE, " ")
    assert wanted_cluster() is None


@pytest.mark.parametrize("remote", ["spark://host:7077", "sc://", "host:15002", "sc:host", "https://host/;token=hush"])
def test_what_is_no_connect_server_is_refused(remote, monkeypatch):
    monkeypatch.setenv(REMOTE_VARIABLE, remote)
    with pytest.raises(ConfigError, match=r"^SPARK_REMOTE is no address .* sc://host:15002, or unset it ") as refused:
        wanted_cluster()
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(("package", "module"), cluster._PACKAGES.items())
def test_a_missing_extra_is_one_line(package, module, monkeypatch):
    monkeypatch.setenv(REMOTE_VARIABLE, "sc://host")
    monkeypatch.setitem(sys.modules, module, None)
    said = rf"not installed: {package}\. Install it with pip install 'asp-analysis\[spark\]', or unset SPARK_REMOTE "
    with pytest.raises(ConfigError, match=said):
        wanted_cluster()


def test_where_nothing_answers_the_line_names_the_server_and_no_token(monkeypatch):
    pytest.importorskip("pyspark", reason="pyspark-client is not installed (make setup brings it)")
    pytest.importorskip("sqlglot", reason="sqlglot is not installed (make setup brings it)")
    monkeypatch.setattr(cluster, "_REACHED_WITHIN_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv(REMOTE_VARIABLE, f"sc://127.0.0.1:{port}/;token=hush;user_id=ada")
    with pytest.raises(StoreError) as refused:
        wanted_cluster().compute({}, [MartText(name="one", text="SELECT 1 AS x")], "/nonexistent")
    said = (
        rf"Spark at 127\.0\.0\.1:{port} could not answer: no answer within 1 seconds\. Look at the cluster, then .*\."
    )
    assert re.fullmatch(said, str(refused.value)) and "hush" not in repr(refused.value)


def test_a_program_without_a_file_goes_on(tmp_path):
    pytest.importorskip("pyspark", reason="pyspark-client is not installed (make setup brings it)")
    program = (
        "from asp_analysis.errors import StoreError\n"
        "from asp_analysis.spark import MartText, cluster\n"
        "cluster._REACHED_WITHIN_S = 1\n"
        "try:\n"
        "    cluster.wanted_cluster().compute({}, [MartText(name='one', text='SELECT 1 AS x')], '/nonexistent')\n"
        "except StoreError as error:\n"
        "    print('refused')\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environment = {**os.environ, REMOTE_VARIABLE: f"sc://127.0.0.1:{port}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
