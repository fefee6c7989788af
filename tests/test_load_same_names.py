"""Executions and defects without names get the names that earlier releases gave them: loading again counts none twice.

The names were recorded with release 0.1.0 (schema version 2), by loading the same texts with the same options.
"""

import json
import shlex
import sqlite3
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HEAD = "timestamp,task_id,agent_role,llm_model,latency_ms,tokens_in,cost_usd"
RUN = {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code", "cost_usd": 1}
METRIC = {"timestamp": "2026-01-02T03:04:05Z", "task_id": "T", "agent_role": "Code", "metric_unit": "ms"}


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def metric(kind, value, unit, **more):
    return {**METRIC, "metric_type": kind, "metric_value": value, "metric_unit": unit, **more}


METRICS = [
    metric("Latency", 5, "ms", id=1, execution_date="2026-01-02"),
    metric("API_Cost", 0.5, "USD", id=2),
    metric("Tokens_In", 70, "tokens", llm_model="m"),
    metric("Latency", 7, "ms", remark="again"),
    metric("API_Cost", 0.25, "USD", execution_id="own"),
    metric("API_Cost", 0.75, "USD"),
]

TYPED = pa.table(
    {
        "timestamp": pa.array([1767323045000000], pa.timestamp("us", "UTC")),
        "task_id": ["T"],
        "agent_role": ["Code"],
        "tokens_in": pa.array([5], pa.int32()),
        "cost_usd": [0.1],
        "when": pa.array([1767323045000000], pa.timestamp("us")),
        "labels": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())),
    }
)

CASES = {
    "csv": (
        "runs.csv",
        f"{HEAD}\n2026-01-02T03:04:05+02:00,T-1,Code,m-1,1200,34,0.5\n2026-01-02T03:04:05+02:00,T-1,Code,m-1,1200,34,0.5\n"
        "2026-01-03, T-2 ,Test,,1.5,,0\n2026-01-03,T-3,Test,,,1000000000000000,\n2026-01-03,T-3,Test,,,1e+05,\n"
        "2026-01-03,T-3,Test,,,120000.0,\n",
        [],
    ),
    "unmapped columns": (
        "runs.csv",
        "timestamp,task_id,agent_role,cost_usd,team,load_id,id,capability,note\n"
        "2026-01-02,T-1,Code,1,red,7,1,PROBE_AI,\n2026-01-02,T-1,Code,1,,8,2,x,y\n2026-01-02,T-1,Code,1,red,7,1,PROBE_AI,\n",
        [],
    ),
    "metadata": (
        "runs.csv",
        "timestamp,task_id,agent_role,cost_usd,metadata,team\n"
        '2026-01-02,T-1,Code,1,"{""b"": 1.0, ""a"":[1,2]}",red\n2026-01-02,T-1,Code,1,{},\n2026-01-02,T-1,Code,1,,\n',
        [],
    ),
    "where it comes from": (
        "runs.csv",
        "timestamp,task_id,agent_role,cost_usd,machine,tool,tool_version,labels,team\n"
        '2026-01-02,T-1,Code,1, box 1 ,codex,1.0,"{""b"": 1, ""a"":""x""}",red\n2026-01-02,T-1,Code,1,,,,,\n'
        "2026-01-02,T-1,Code,1,m,t,v,bug;urgent,\n",
        [],
    ),
    "options": (
        "runs.csv",
        "when;ticket;usd;sec;tok;note\n31.12.2025 10:00;A;1.234,5;0,5;1.234.567;x\n31.12.2025 10:00;A;0,1;7;5;\n",
        shlex.split(
            "--as executions --map timestamp=when --map task_id=ticket --map api_cost_usd=usd --map latency_ms=sec*1000"
            " --map tokens_in=tok --set agent_role=Code --decimal , --time-format '%d.%m.%Y %H:%M'"
        ),
    ),
    "json lines": (
        "runs.jsonl",
        lines(
            RUN,
            RUN,
            {**RUN, "tokens_in": 5},
            {**RUN, "tokens_in": 5.0},
            {**RUN, "retries": "1e1"},
            {**RUN, "task_id": 17},
        )
        + lines({**RUN, "timestamp": 1767323045, "agent_iteration": 2}, {**RUN, "execution_id": "own"}),
        [],
    ),
    "unmapped keys": (
        "runs.jsonl",
        lines({**RUN, "team": "red", "deep": {"b": 1, "a": [None, 1.5]}, "flag": True, "big": 10**30, "none": None})
        + lines({**RUN, "metadata": {"x": 1}, "team": "blue"}, {**RUN, "metadata": '{"x": 1}', "team": "blue"}),
        [],
    ),
    "where it comes from, in all forms": (
        "runs.jsonl",
        lines({**RUN, "machine": 7, "tool": {"name": "bash"}, "labels": {"b": "2", "a": "1"}}, {**RUN, "labels": ["a"]})
        + lines({**RUN, "labels": "plain"}, {**RUN, "machine": True}, {**RUN, "labels": {}}, {**RUN, "tool": [1]})
        + lines({**RUN, "labels": {"a": 1}, "metadata": {"labels": "own", "k": 1}}),
        [],
    ),
    "long csv": (
        "metrics.csv",
        "timestamp,task_id,agent_role,metric_type,metric_value,metric_unit\n2026-01-02,T,Code,Latency,5,ms\n"
        "2026-01-02,T,Code,Retries,2.0,count\n2026-01-02,T,Code,Latency,5,ms\n2026-01-02,T,Test,Latency,5,ms\n",
        [],
    ),
    "long json lines": ("metrics.jsonl", lines(*METRICS), ["--as", "agent_cost_vector"]),
    "parquet": ("runs.parquet", TYPED, []),
}

NAMES = {
    "csv": [
        "0acfbead63bff999969afd26-1",
        "19fb03b884d69c514d30c7ee-1",
        "5039f7cb47613e65f4ce359a-1",
        "c200955b1b9cce679eba7457-1",
        "decd2ba03ce5d450ae14c9b1-1",
        "decd2ba03ce5d450ae14c9b1-2",
    ],
    "unmapped columns": ["0a95fc52ec1e456e264818c4-1", "104740f32613a629feb3852c-1", "104740f32613a629feb3852c-2"],
    "metadata": ["f7a03e0f4f0e290c4f9163f5-1", "feef13f07fc503d3de3dea04-1", "feef13f07fc503d3de3dea04-2"],
    "where it comes from": ["7d8c06a45915da468d50fe66-1", "c4f680adfaf1473bef9a8784-1", "feef13f07fc503d3de3dea04-1"],
    "options": ["10f89f0fa8c62fe2165baf7c-1", "c66f1779ea9b0faf93a5e1d7-1"],
    "json lines": [
        "056b0f19498beb24d1799895-1",
        "056b0f19498beb24d1799895-2",
        "329ff5854222e0960919611b-1",
        "4493fc112b1cf38a2d2a04ee-1",
        "4493fc112b1cf38a2d2a04ee-2",
        "8a312db4a8fd1168a3680340-1",
        "bcea67cf3134738de86c0401-1",
        "own",
    ],
    "unmapped keys": ["b52f5c697fab13aff0a24eb3-1", "b52f5c697fab13aff0a24eb3-2", "bc01925d82ed75993d03e585-1"],
    "where it comes from, in all forms": [
        "030e669317d59943d20b39a6-1",
        "0acf3589623b8c20ec83ad80-1",
        "168b364de3bd58b6e5959e63-1",
        "5db343a30cc3e63fceae21ac-1",
        "8c68b03997805af20bd49e05-1",
        "eb1bcc05288aee58125e423c-1",
        "fd74be20adf368fc10127b54-1",
    ],
    "long csv": ["58a282adebe01e889705e089-1", "58a282adebe01e889705e089-2", "a693d315d3b59780598b6345-1"],
    "long json lines": [
        "05dabd0e3e976f18d14269b5-1",
        "05dabd0e3e976f18d14269b5-2",
        "05dabd0e3e976f18d14269b5-3",
        "7ecd0c6133590aeb047bdb36-1",
        "own",
    ],
    "parquet": ["5f36107f09e9f9c98065b5a0-1"],
}

DEFECTS = ["f2d9053a963f0a6b4111991c-1", "f2d9053a963f0a6b4111991c-2"]


def load_all(run, folder, case):
    name, content, options = CASES[case]
    pq.write_table(content, folder / name) if isinstance(content, pa.Table) else (folder / name).write_text(content)
    store = folder / "store.db"
    assert run("init", "--db", store).exit_code == 0
    return run("load", folder / name, *options, "--json", "--db", store), store


@pytest.mark.parametrize("case", CASES)
def test_executions_have_the_names_that_earlier_releases_gave(run, tmp_path, case):
    ran, store = load_all(run, tmp_path, case)
    assert ran.exit_code == 0 and ran.json["rejected"] == 0 and ran.json["written"] == ran.json["read"], ran.err
    with closing(sqlite3.connect(store)) as connection:
        found = connection.execute("SELECT execution_id FROM agent_cost_vector ORDER BY 1").fetchall()
    assert [name for (name,) in found] == NAMES[case]


def test_loading_again_finds_every_one_of_them(run, tmp_path):
    for case in CASES:
        (tmp_path / case).mkdir()
        load_all(run, tmp_path / case, case)
        again, _ = load_all(run, tmp_path / case, case)
        assert (again.json["present"], again.json["written"], again.json["updated"]) == (again.json["read"], 0, 0), case


def test_where_executions_come_from_has_its_columns_and_what_does_not_fit_them_stays_in_the_metadata(run, tmp_path):
    _, store = load_all(run, tmp_path, "where it comes from, in all forms")
    query = "SELECT machine, tool, labels, metadata_json FROM executions ORDER BY ALL"
    found = [tuple(row.values()) for row in run("sql", query, "--json", "--db", store).json]
    assert found == [
        ("7", None, '{"a":"1","b":"2"}', '{"tool":{"name":"bash"}}'),
        (None, None, '{"a":1}', '{"k":1,"labels":"own"}'),
        (None, None, "{}", None),
        (None, None, None, '{"labels":"plain"}'),
        (None, None, None, '{"labels":["a"]}'),
        (None, None, None, '{"machine":true}'),
        (None, None, None, '{"tool":[1]}'),
    ]


def test_defects_have_the_names_that_earlier_releases_gave(run, empty_store, tmp_path):
    path = tmp_path / "bugs.csv"
    line = "2026-01-02,T-1,the amount,Code,Test,60_Checking\n"
    path.write_text("found,ticket,title,made_in,found_in,type\n" + line * 2)
    theirs = {"created_at": "found", "task_id": "ticket", "description": "title", "phase_injected": "made_in",
              "phase_removed": "found_in", "defect_type": "type"}  # fmt: skip
    for ours in ("created_at", "found_at"):  # the contract's name and ours
        maps = [f"{ours if name == 'created_at' else name}={column}" for name, column in theirs.items()]
        words = [word for option in maps for word in ("--map", option)]
        assert run("load", path, "--as", "defect_log", *words, "--db", empty_store).exit_code == 0
    query = "SELECT defect_id FROM stg_defects ORDER BY 1"
    assert [row["defect_id"] for row in run("sql", query, "--json", "--db", empty_store).json] == DEFECTS
