"""A key that comes twice in one object of JSON: only one of its values could be kept, so the record is rejected."""

import json

import pytest

RECORD = '"timestamp":"2026-01-01T00:00:00Z","task_id":"T","agent_role":"a","cost_usd":1'
TWICE = {
    "own": f'{{{RECORD},"agent_role":"b"}}',
    "blanks": f'{{{RECORD}, "agent_role" \t: "b"}}',
    "inner": f'{{{RECORD},"metadata_json":{{"x":[{{"agent_role":1,"agent_role":2}}]}}}}',
    "escaped": f'{{{RECORD},"agent_r\\u006fle":"b"}}',
}
ONCE = [
    f'{{{RECORD},"metadata_json":{{"agent_role":1}}}}',
    f'{{{RECORD},"subtask_id":"x\\":y\\" :"}}',
    f'{{{RECORD},"agent_version":"\\":"}}',
]


@pytest.mark.parametrize("kind", ["jsonl", "json"])
@pytest.mark.parametrize("line", TWICE.values(), ids=list(TWICE))
def test_a_record_with_a_key_twice_is_rejected_by_name(load_text, kind, line):
    text = f"{ONCE[0]}\n{line}\n" if kind == "jsonl" else f"[{ONCE[0]},\n {line}]"
    ran = load_text(text, name=f"runs.{kind}")
    assert "read 2 = 1 written, 0 updated, 0 present, 1 rejected" in ran.out
    assert "line 2: the key 'agent_role' comes twice in one object" in ran.out + ran.err


@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_what_only_looks_like_a_key_is_none(load_text, kind):
    text = "\n".join(ONCE) if kind == "jsonl" else f"[{', '.join(ONCE)}]"
    assert "read 3 = 3 written" in load_text(text, name=f"runs.{kind}").out


def test_a_document_with_an_array_twice_is_refused(load_text):
    document = json.dumps({"note": 1})[:-1] + f',\n"runs":[{ONCE[0]}],\n"runs":[{ONCE[1]}]}}'
    ran = load_text(document, name="runs.json")
    assert ran.exit_code == 1 and "the key 'runs' comes twice" in ran.err
