"""The extension of DuckDB: its signature is checked once for each state of the file, and nobody else may write it."""

import os
import shutil
import subprocess
import sys

import duckdb
import pytest

from asp_analysis.errors import StoreError
from asp_analysis.session import connect, extensions


@pytest.fixture
def own_file(tmp_path, monkeypatch):
    """A copy of the extension in an environment of its own."""
    path = tmp_path / "environment" / "sqlite_scanner.duckdb_extension"
    path.parent.mkdir()
    shutil.copyfile(extensions.extension_file("sqlite_scanner"), path)
    monkeypatch.setattr(extensions, "extension_file", lambda name: path)
    monkeypatch.setattr(sys, "prefix", str(path.parent))
    return path


def remembered(url):
    return url.path.parent / "cache" / "checked-extensions"


def is_signature_checked(url):
    with connect(url) as session:
        found = session.sql("SELECT current_setting('allow_unsigned_extensions') AS x")
    return not found["x"][0]


def damage(path):
    state = path.stat()
    with path.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"other")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # the time at which the inode changed cannot be set back


def test_the_signature_is_checked_once(empty_store, own_file):
    assert [is_signature_checked(empty_store) for _ in range(3)] == [True, False, False]


def test_a_file_that_changed_is_checked_again(empty_store, own_file):
    is_signature_checked(empty_store)
    os.utime(own_file)
    assert is_signature_checked(empty_store)


def test_a_file_that_was_changed_after_its_check_is_not_loaded(empty_store, own_file):
    is_signature_checked(empty_store)
    damage(own_file)
    with pytest.raises(StoreError, match="could not be loaded because its signature is either missing or invalid"):
        connect(empty_store)


def test_a_broken_file_is_named_and_not_the_store(empty_store, own_file):
    own_file.write_bytes(b"no extension")
    with pytest.raises(StoreError) as raised:
        connect(empty_store)
    assert str(raised.value).startswith(f"DuckDB's extension {own_file} cannot be loaded: ")
    assert "pip install --force-reinstall --no-deps duckdb-extension-sqlite-scanner==" in str(raised.value)
    assert str(empty_store.path) not in str(raised.value)


def test_a_package_that_is_not_installed_is_named(empty_store, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb_extension_sqlite_scanner", None)
    with pytest.raises(StoreError, match="extension sqlite_scanner is not installed"):
        connect(empty_store)


@pytest.mark.parametrize("part", ["", ".."])
def test_a_file_that_others_may_write_is_refused(empty_store, own_file, part):
    (own_file / part).resolve().chmod(0o777)
    with pytest.raises(StoreError, match=r"Other users may write .* chmod go-w"):
        connect(empty_store)


def test_a_file_outside_of_the_environment_is_refused(empty_store, own_file, tmp_path):
    other = tmp_path / "elsewhere"
    shutil.move(own_file, other)
    own_file.symlink_to(other)
    with pytest.raises(StoreError, match="elsewhere is outside of the environment"):
        connect(empty_store)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_what_is_remembered_may_be_damaged(empty_store, own_file, content):
    is_signature_checked(empty_store)
    remembered(empty_store).write_text(content)
    assert is_signature_checked(empty_store)


def test_what_others_may_have_written_is_not_believed(empty_store, own_file):
    is_signature_checked(empty_store)
    remembered(empty_store).chmod(0o666)
    assert is_signature_checked(empty_store)


def test_a_private_store_keeps_it_private(empty_store, own_file):
    empty_store.path.chmod(0o600)
    is_signature_checked(empty_store)
    assert remembered(empty_store).stat().st_mode & 0o077 == 0


def test_a_query_loads_nothing_even_where_unsigned_ones_would_pass(empty_store, own_file):
    is_signature_checked(empty_store)
    with connect(empty_store) as session:
        connection = session._reader.connection
        other = own_file.with_name("other.duckdb_extension")
        shutil.copyfile(own_file, other)
        with pytest.raises(duckdb.Error, match="Loading external extensions is disabled"):
            connection.execute(f"LOAD '{other}'")
        with pytest.raises(duckdb.Error):
            connection.execute("SET enable_external_access = true")


def test_a_store_whose_folder_takes_no_file_is_checked_each_time(empty_store, own_file):
    cache = empty_store.path.parent / "cache"
    cache.write_text("a file where a folder should be")
    assert [is_signature_checked(empty_store) for _ in range(2)] == [True, True]


def test_a_second_process_needs_no_check(empty_store):
    code = "import sys, asp_analysis as asp; db = asp.connect(sys.argv[1]); print(db.sql(sys.argv[2])['x'][0])"
    query = "SELECT current_setting('allow_unsigned_extensions') AS x"
    said = [
        subprocess.run([sys.executable, "-c", code, empty_store.text, query], capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert said == ["False\n", "True\n"]
