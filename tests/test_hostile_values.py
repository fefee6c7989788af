"""Whatever stands in a value, its record is taken as it is or rejected with a reason; nothing else is touched."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asp_analysis.records import RECORDS
from asp_analysis.session import connect
from asp_analysis.validation import validate_columns
from tests.fuzz.database_seeds import DATABASES, database
from tests.fuzz.mutation import HOSTILE
from tests.fuzz.seeds import PLATFORM_ROWS, SEEDS, asp_platform
from tests.fuzz.source_seeds import CURSOR_ROWS, LITELLM_ROW, OPENROUTER_ROW, csv_of, inspect_archive, inspect_sample
from tests.fuzz.targets import read_as
from tests.reading import detected, transcript_formats

GOOD = '{"timestamp":"2026-01-02","task_id":"T-0","agent_role":"Code","cost_usd":1}\n'


@pytest.fixture
def load_line(run, empty_store, tmp_path):
    """Load one good record and one other; give the counts and the reasons of the reject, if there is one."""

    def load(fields: str):
        path = tmp_path / "runs.jsonl"
        whole = {"timestamp": '"2026-01-02"', "task_id": '"T"', "agent_role": '"Code"', "cost_usd": "1"}
        others = (f'"{name}":{value}' for name, value in whole.items() if f'"{name}":' not in fields)
        line = "{" + ",".join([*others, fields]) + "}\n"
        path.write_text(GOOD + line, encoding="utf-8", errors="surrogatepass")
        ran = run("load", path, "--json", "--db", empty_store)
        assert ran.exit_code == 0, ran.err
        assert ran.json["written"] + ran.json["rejected"] == 2
        reasons = [reject["reasons"][0] for reject in run("rejects", "--json", "--db", empty_store).json]
        return reasons[0] if reasons else None

    return load


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ('"cost_usd":' + "1" * 10_000, "number out of range"),
        ('"cost_usd":' + "1" * 4_000, "is not a number from 0 to 1e15"),
        ('"cost_usd":"' + "1" * 10_000 + '"', "is not a number from 0 to 1e15"),
        ('"tokens_in":1e16', "is not a whole number from 0 to 1e15"),
        ('"tokens_in":7.5', "7.5 is not a whole number from 0 to 1e15; round it"),
        ('"retries":"0.1"', "'0.1' is not a whole number from 0 to 1e15; round it"),
        ('"tool_calls":true', "True is not a whole number from 0 to 1e15"),
        ('"machine":"a\\u0000b"', "has the character U+0000"),
        ('"labels":{"a":"\\u0000"}', "labels: the JSON value holds the character U+0000"),
        ('"labels":["\\u0000"]', "metadata_json: the JSON value holds the character U+0000"),
        ('"cost_usd":1e400', "is not a number from 0 to 1e15"),
        ('"cost_usd":NaN', "the line is not JSON"),
        ('"cost_usd":-Infinity', "the line is not JSON"),
        ('"timestamp":' + "1" * 4_000, "is no time since 1970"),
        ('"timestamp":1e400', "is no time since 1970"),
        ('"timestamp":"0000-12-31"', "is not an instant"),
        ('"timestamp":"10000-01-01"', "is not an instant"),
        ('"timestamp":"9999-12-31T23:59:59.999999Z"', "is not an instant"),
        ('"timestamp":"0001-01-01T00:00:00+14:00"', "is not an instant"),
        ('"timestamp":"9999-12-31T23:59:59-14:00"', "is not an instant"),
        ('"timestamp":"2026-01-01T00:00:00+99:00"', "is not an instant"),
        ('"timestamp":"2026-06-30T23:59:60Z"', "is not an instant"),
        ('"timestamp":"' + "9" * 10_000 + '"', "is not an instant"),
        ('"deep":' + "[" * 1_000_000 + "]" * 1_000_000, "recursion limit exceeded"),
        ('"metadata":"' + "[" * 1_000_000 + "]" * 1_000_000 + '"', "is not JSON: recursion limit exceeded"),
        ('"extra":1,"metadata":"' + '{\\"a\\":' * 5_000 + "1" + "}" * 5_000 + '"', "recursion limit exceeded"),
        ('"metadata":"{\\"a\\":\\"\\\\ud800\\"}"', "is not JSON"),
        ('"metadata":{"a":"\\u0000"}', "U+0000"),
        ('"task_id":"\\ud800"', "the line is not JSON"),
        ('"task_id":"\udcff"', "the line is not JSON"),
        ('"task_id":"a\\u0000b"', "has the character U+0000"),
    ],
    ids=lambda text: text[:40],
)
def test_a_value_that_cannot_be_stored_rejects_its_record(load_line, fields, reason):
    assert reason in (load_line(fields) or "it was taken")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999499Z"])
def test_the_first_and_the_last_instant_are_kept_and_shown(run, empty_store, load_line, moment):
    assert load_line(f'"timestamp":"{moment}"') is None
    query = f"SELECT count(*) AS n FROM stg_executions WHERE year(executed_at) = {int(moment[:4])}"
    assert run("sql", "SELECT * FROM executions", "--db", empty_store).exit_code == 0
    assert run("sql", query, "--json", "--db", empty_store).json == [{"n": 1}]


def test_one_of_two_values_of_a_key_is_not_chosen_in_silence(load_line):
    assert "the key 'cost_usd' comes twice in one object" in load_line('"cost_usd":5,"cost_usd":7')


@pytest.mark.parametrize(
    "name",
    ["'; DROP TABLE agent_cost_vector; --", '"; DELETE FROM load_log; --', "$1 ? :name %s", "=1+1", "<b>", "../../etc"],
)
def test_a_name_that_means_something_elsewhere_is_only_a_name(run, empty_store, tmp_path, name):
    path = tmp_path / "runs.jsonl"
    record = {"timestamp": "2026-01-02", "task_id": name, "agent_role": name, "cost_usd": 1, name: name}
    path.write_text(json.dumps(record) + "\n")
    assert run("load", path, "--json", "--db", empty_store).json["written"] == 1
    query = "SELECT task_id, agent_role, metadata_json FROM stg_executions"
    (row,) = run("sql", query, "--json", "--db", empty_store).json
    assert (row["task_id"], row["agent_role"], json.loads(row["metadata_json"])) == (name, name, {name: name})
    assert name in run("sql", "SELECT task_id FROM stg_executions", "--csv", "--db", empty_store).out.replace('""', '"')


@pytest.mark.parametrize("time_format", ["%Y %Y", "%", "%Q", "%Y-%m-%d %"])
def test_a_form_of_times_that_is_none_is_refused(run, empty_store, tmp_path, time_format):
    path = tmp_path / "runs.jsonl"
    path.write_text(GOOD)
    ran = run("load", path, "--time-format", time_format, "--db", empty_store)
    assert ran.exit_code == 1 and "is not a form of times" in ran.err


def test_a_time_that_leaves_the_calendar_in_utc_is_rejected(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("timestamp,task_id,agent_role,cost_usd\n0001-01-01 00:00 +1400,T,Code,1\n")
    ran = run("load", path, "--time-format", "%Y-%m-%d %H:%M %z", "--json", "--db", empty_store)
    assert ran.exit_code == 1 and ran.json["rejected"] == 1


@pytest.mark.parametrize(
    ("encode", "written"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), 2),
        (lambda text: text.encode("utf-16"), 2),
        (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), 2),
        (lambda text: text.encode("utf-32"), 2),
        (lambda text: text.replace("\n", "\r").encode(), 2),
        (lambda text: text.encode() + "2026-01-02,T-\xe9,Code,1\n".encode("latin-1"), 2),
        (lambda text: text.encode("utf-16")[:-1], 1),
    ],
    ids=["utf-8 mark", "utf-16", "utf-16 big", "utf-32", "carriage returns", "latin-1 line", "half a character"],
)
def test_an_encoding_is_read_or_its_line_is_rejected(run, empty_store, tmp_path, encode, written):
    path = tmp_path / "runs.csv"
    path.write_bytes(encode("timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-ä,Code,1\n2026-01-03,T-2,Code,1\n"))
    ran = run("load", path, "--json", "--db", empty_store)
    assert ran.exit_code == 0 and ran.json["written"] == written


# --- transcripts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [form.name for form in transcript_formats()])
def test_a_seed_is_recognised_as_what_it_is(tmp_path, name):
    path = tmp_path / "file"
    path.write_bytes(SEEDS[name]())
    assert detected(path).name == name and read_as(name, path) > 0


JSON_FORMATS = [name for form in transcript_formats() if SEEDS[name := form.name]().lstrip()[:1] in (b"{", b"[")]


@pytest.mark.parametrize(
    ("name", "row"),
    [("cursor-csv", CURSOR_ROWS[0]), ("openrouter", OPENROUTER_ROW), ("litellm-csv", LITELLM_ROW)],
    ids=["cursor-csv", "openrouter", "litellm-csv"],
)
def test_no_cell_breaks_a_format_of_csv_logs(tmp_path, name, row):
    values = [*HOSTILE, *(text.strip('"') for text in HOSTILE)]
    path = tmp_path / "log.csv"
    path.write_bytes(csv_of(row, *({**row, column: value} for column in row for value in values)))
    assert detected(path).name == name and read_as(name, path) > len(row)


def test_no_document_in_an_archive_breaks_it(tmp_path):
    path, sample = tmp_path / "log.eval", inspect_sample(1)
    changed = [
        json.loads(with_value(sample, place, text if "\\ud800" not in text else '"x"'), parse_constant=str)
        for place, text in zip(range(1, places(sample)), HOSTILE[:30] * 9, strict=False)
        if len(text) < 1_000
    ]
    named = [{**one, "id": number} for number, one in enumerate(changed)]
    path.write_bytes(inspect_archive(*named))
    assert read_as("inspect-ai-eval", path) > 0


@pytest.mark.parametrize("name", sorted(DATABASES))
def test_no_cell_breaks_a_format_of_databases(tmp_path, name):
    values = [
        *HOSTILE,
        *(text.strip('"') for text in HOSTILE),
        b"\xff",
        b"\x28\xb5\x2f\xfd",
        2**62,
        -1,
        0.5,
        1e308,
        None,
    ]
    rows = DATABASES[name]()
    hostile = {table: list(records) for table, records in rows.items()}
    for table, (good, *_) in rows.items():
        for column, held in good.items():
            inner = json.loads(held) if isinstance(held, str) and held[:1] in ("{", "[") else None
            inside = [
                with_value(inner, place, text)
                for place, text in zip(range(1, places(inner)), HOSTILE * 9, strict=False)
            ]
            hostile[table] += [{**good, column: value} for value in (*values, *inside)]
    path = tmp_path / "store.db"
    path.write_bytes(database(hostile))
    assert read_as(name, path) > 0


@pytest.mark.parametrize("name", [*JSON_FORMATS, "jsonl"])
def test_no_value_in_any_place_breaks_a_format(tmp_path, name):
    seed = SEEDS[name]().decode()
    documents = [json.loads(line) for line in seed.splitlines()] if seed.startswith('{"') else [json.loads(seed)]
    path = tmp_path / "agent-1.jsonl"
    for number, document in enumerate(documents):
        for place, hostile in zip(range(places(document)), HOSTILE * 99, strict=False):
            texts = [json.dumps(other) for other in documents]
            texts[number] = with_value(document, place, hostile)
            path.write_text("\n".join(texts))
            read_as(name, path)


def test_no_value_in_any_place_breaks_a_file_of_the_platform(run, empty_store, tmp_path):
    values = [
        *(text.strip('"') for text in HOSTILE),
        *(text.encode() for text in HOSTILE),
        b"\xff",
        2**62,
        -1,
        0.5,
        None,
    ]
    rows = {
        table: [good, *({**good, column: value} for column in good for value in values)]
        for table, good in PLATFORM_ROWS.items()
    }
    path = tmp_path / "platform.db"
    path.write_bytes(asp_platform(rows=rows))
    assert read_as("asp-platform", path) > 0
    ran = run("load", path, "--json", "--db", empty_store)
    assert ran.exit_code == 0 and ran.json["read"] == sum(map(len, rows.values())) and ran.json["rejected"] > 1_000
    assert ran.json["read"] == sum(ran.json[name] for name in ("written", "updated", "present", "rejected"))
    with connect(empty_store) as session:
        assert all(len(session.view(name)) for name in ("work", "tasks", "defects", "learning_curve"))


def places(value) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(places, inner))


def with_value(document, place: int, hostile: str) -> str:
    """Give a document as JSON text in which the value at a place, counted depth first, is another text."""
    left = place

    def dumped(value) -> str:
        nonlocal left
        left -= 1
        if left == -1:
            return hostile
        if isinstance(value, dict):
            return "{" + ",".join(f"{json.dumps(key)}:{dumped(inner)}" for key, inner in value.items()) + "}"
        return "[" + ",".join(map(dumped, value)) + "]" if isinstance(value, list) else json.dumps(value)

    return dumped(document)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([*HOSTILE, "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(sorted(RECORDS)))
def test_any_python_value_in_any_column_is_taken_or_rejected(data, loaded_as):
    model = RECORDS[loaded_as]
    names = data.draw(st.lists(st.sampled_from(sorted(model.model_fields)), unique=True, max_size=6))
    columns = {name: [data.draw(ANYTHING), data.draw(ANYTHING)] for name in names}
    clean, errors = validate_columns(model, columns, 2)
    for row in {0, 1} - errors.keys():
        for values in clean.values():
            if isinstance(values[row], str):
                assert "\x00" not in values[row]
                values[row].encode()


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300), name=st.sampled_from(sorted(SEEDS)))
@example(content=b"0", name="json")
@example(content=b'""', name="json")
@example(content=b'[{"task_id": "T-1", "cost_usd": 1e999}]', name="json")
def test_any_bytes_are_read_as_any_format_or_refused(tmp_path_factory, content, name):
    path: Path = tmp_path_factory.getbasetemp() / "any-bytes"
    path.write_bytes(content)
    read_as(name, path)
