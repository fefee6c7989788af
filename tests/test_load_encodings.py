"""A CSV file that is not UTF-8 is loaded with its encoding, and says what to do without it."""

import pytest

HEAD = "timestamp,task_id,agent_role,cost_usd,remark\n"


@pytest.fixture
def load_bytes(run, empty_store, tmp_path):
    def load(content, *options):
        (tmp_path / "runs.csv").write_bytes(content)
        return run("load", tmp_path / "runs.csv", "--as", "executions", *options, "--db", empty_store)

    return load


def stored(run, store):
    return run("sql", "SELECT task_id, metadata_json FROM executions", "--json", "--db", store).json


def test_bytes_in_an_unmapped_column_name_file_line_and_what_to_do(load_bytes, run, empty_store, tmp_path):
    said = load_bytes((HEAD + "2026-01-02,T,Code,1,schön\n2026-01-02,T,Code,2,x\n").encode("cp1252")).err
    advice = "Save the file as UTF-8 (in Excel: CSV UTF-8), or give --encoding cp1252"
    assert f"{tmp_path / 'runs.csv'}, line 2: the line is not utf-8. {advice}\n" in said
    assert len(stored(run, empty_store)) == 1


def test_a_header_that_is_not_utf8_refuses_the_file(load_bytes):
    said = load_bytes(HEAD.replace("remark", "Größe").encode("cp1252")).refusal
    assert "runs.csv is not utf-8. Save the file as UTF-8 (in Excel: CSV UTF-8), or give --encoding cp1252." in said


def test_the_encoding_that_the_user_names_is_used(load_bytes, run, empty_store):
    content = HEAD.replace("remark", "Größe") + "2026-01-02,Ä,Code,1,€ 5\n"
    load_bytes(content.encode("cp1252"), "--encoding", "cp1252")
    assert stored(run, empty_store) == [{"task_id": "Ä", "metadata_json": '{"Größe":"€ 5"}'}]


def test_a_byte_order_mark_knows_better_than_the_user(load_bytes, run, empty_store):
    load_bytes(b"\xef\xbb\xbf" + (HEAD + "2026-01-02,Ä,Code,1,\n").encode(), "--encoding", "cp1252")
    assert stored(run, empty_store)[0]["task_id"] == "Ä"


def test_bytes_that_the_named_encoding_does_not_know_reject_their_line(load_bytes):
    said = load_bytes(HEAD.encode() + b"2026-01-02,T\x81,Code,1,\n", "--encoding", "cp1252").err
    assert "the line is not cp1252. Save the file as UTF-8 (in Excel: CSV UTF-8), or give another --encoding" in said


def test_rejects_come_back_as_utf8_and_are_loaded_without_the_option(load_bytes, run, empty_store, tmp_path):
    load_bytes((HEAD + "2026-01-02,Ä,Code,-1,\n").encode("cp1252"), "--encoding", "cp1252")
    note = run("rejects", "--export", tmp_path / "back.csv", "--db", empty_store).err
    assert "--encoding" not in note and "Ä" in (tmp_path / "back.csv").read_text(encoding="utf-8")
