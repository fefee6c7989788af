"""What the workbench writes next to a private store is private, and no address shows its password."""

import os
import stat
from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import ConfigError
from asp_analysis.session import connect, readers
from asp_analysis.store.database import create_store

PASSWORD = "s3cret-w0rd"


@pytest.fixture
def former_umask():
    former = os.umask(0o022)
    yield
    os.umask(former)


def make_store(tmp_path, mode):
    url = parse_url("store.db", tmp_path)
    create_store(url, with_sample=True)
    url.path.chmod(mode)
    return url


def files_of(folder):
    return [path for path in Path(folder).rglob("*") if path.name not in ("store.db", "store.db-wal", "store.db-shm")]


def write_everything(run, url, monkeypatch, folder):
    bad = folder / "bad.csv"
    bad.write_text("executed_at,task_id,agent_role,cost_usd\nx,T,Code,1\n")
    bad.chmod(0o600)
    run("load", bad, "--db", url)
    run("dashboard", "--db", url)
    run("export", "--db", url)
    run("rejects", "--export", folder / "rejects.csv", "--db", url)
    run("backup", "--db", url)
    monkeypatch.setattr(readers, "COPIED_ROWS", 10)
    with connect(url) as session:
        assert "snapshot" in session.source


def test_nothing_beside_a_private_store_is_open_to_others(run, tmp_path, monkeypatch, former_umask):
    url = make_store(tmp_path, 0o600)
    (tmp_path / "cache").mkdir()  # of an earlier release, open to all
    write_everything(run, url, monkeypatch, tmp_path)
    written = files_of(tmp_path)
    assert len(written) > 10
    open_to_others = [path for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert not open_to_others
    assert os.umask(0o022) == 0o022


def test_a_store_that_others_may_read_keeps_the_users_umask(run, tmp_path, monkeypatch, former_umask):
    url = make_store(tmp_path, 0o644)
    write_everything(run, url, monkeypatch, tmp_path)
    assert stat.S_IMODE((tmp_path / "exports" / "dashboard.html").stat().st_mode) == 0o644


def test_no_object_that_holds_an_address_shows_its_password(tmp_path):
    url = parse_url(f"postgresql://me:{PASSWORD}@host:5432/asp", tmp_path)
    assert PASSWORD in url.text
    for shown in (repr(url), str(url), f"{[url]}", f"{url!r}"):
        assert PASSWORD not in shown and "me@host" in shown


@pytest.mark.parametrize("query", [f"password={PASSWORD}", f"sslmode=require&password={PASSWORD}"])
def test_a_password_behind_the_question_mark_is_refused_for_reading_and_writing_alike(run, query):
    for verb in (["sql", "SELECT 1"], ["init"]):
        ran = run(*verb, "--db", f"postgresql://me@host/asp?{query}")
        assert ran.exit_code == 1 and PASSWORD not in ran.err + ran.out and "PGPASSWORD" in ran.err
    with pytest.raises(ConfigError):
        parse_url(f"postgresql://me@host/asp?{query}", Path())
