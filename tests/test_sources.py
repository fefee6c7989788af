"""Every further source on its real files, whose totals were counted independently, and by its documented form."""

import io
import json
import struct
import zipfile

import pyarrow
import pytest

from tests.fuzz.source_seeds import (
    CURSOR_ROWS,
    GH_AW_LINE,
    LITELLM_ROW,
    OPENROUTER_ROW,
    SOURCES,
    amp_thread,
    atif_trajectory,
    claude_messages,
    claude_result,
    cline_entry,
    csv_of,
    harbor_result,
    inspect_archive,
    inspect_header,
    inspect_sample,
    kimi_status,
    mlflow_trace,
    openhands_answer,
    openhands_run,
    openhands_state,
    qwen_line,
)
from tests.reading import read_transcript
from tests.test_sources_in_databases import sums

# file, format's tool, calls, tokens in (with cached ones) and out, cache read and written, USD
REAL = [
    ("cline/ui_messages-xray*", "cline", 53, (6_696_517, 51_905, 5_349_183, 1_346_804), 12.3923915),
    ("cursor_csv/team-usage*", "cursor", 20, (6_518_640, 35_752, 6_036_729, 453_788), None),
    ("atif/terminus*history.trajectory.json*", "harbor", 3, (2_252, 160, 0, 0), 0.00723),
    ("atif/terminus*cont-1*", "harbor", 4, (4_250, 530, 0, 0), 0.015925),
    ("atif/openhands_hello*", "harbor", 2, (220, 80, 0, 0), 0.00135),
    ("atif/openagents*", "harbor", 0, (0, 0, 0, 0), None),
    ("harbor_results/job-a87612d3/raman*/result*", "harbor", 1, (474_691, 15_852, 428_544, 0), None),
    ("harbor_results/job-a87612d3/result*", "harbor", 0, (0, 0, 0, 0), None),
    ("harbor_results/preflight*/*/../result*", "harbor", 0, (0, 0, 0, 0), None),
    ("openhands/output-nunu*", "openhands", 20, (542_078, 14_908, 218_496, 0), 0.5808695),
    ("openhands/record-without*", "openhands", 0, (0, 0, 0, 0), None),
    ("openhands/sdk-events*", "openhands", 1, (107_458, 1_347, 68_193, 0), None),
    ("openhands_llm_completions/*", "openhands", 1, (6_123, 120, 0, 0), 0.020169),
    ("inspect/browser*", "inspect-ai", 5, (15_235, 281, 9_088, 0), None),
    ("inspect/log_formats-2024.json*", "inspect-ai", 1, (66, 2, 0, 0), None),
    ("inspect/log_formats-2024.eval", "inspect-ai", 1, (66, 2, 0, 0), None),
    ("inspect/mmlu*", "inspect-ai", 1, (153, 3, 0, 0), None),
    ("inspect/theory*", "inspect-ai", 200, (64_492, 53_594, 0, 0), None),
    ("inspect/websearch*", "inspect-ai", 1, (587, 33, 0, 0), None),
    ("claude_result_json/*", "claude-code", 1, (495_595, 10_707, 450_986, 44_596), 0.4631748),
    ("openclaw/5e9096eb-a13b-48ae-990d-ca9d6f231b05.jsonl.gz", "openclaw", 5, (56_783, 1_450, 39_424, 0), 0.116387),
    ("openclaw/5e9096eb*6821.gz", "openclaw", 4, (43_253, 762, 28_672, 0), 0.076481),
    ("openclaw/5e9096eb*1005.gz", "openclaw", 5, (56_631, 977, 40_448, 0), 0.096829),
    ("openclaw/5e9096eb*trajectory.jsonl*", "openclaw", 0, (0, 0, 0, 0), None),
    ("openclaw/5faf8efb*", "openclaw", 20, (334_166, 4_363, 0, 0), None),
    ("openclaw/7760a1b7*", "openclaw", 6, (102_259, 688, 0, 0), None),
]


@pytest.mark.parametrize(("pattern", "tool", "calls", "sizes", "usd"), REAL, ids=[case[0] for case in REAL])
def test_a_real_file_gives_its_totals(real_data, pattern, tool, calls, sizes, usd):
    pattern = pattern.replace("*/*/../", "*/")
    transcript = read_transcript(next((real_data / "samples" / "real").glob(pattern)))
    assert (transcript.source, len(transcript.calls), sums(transcript)) == (tool, calls, sizes)
    assert transcript.rejects == [] and not transcript.not_understood
    reported = [call.reported_usd for call in transcript.calls.values() if call.reported_usd]
    assert sum(reported) == pytest.approx(usd or 0)


@pytest.fixture
def read(tmp_path):
    """Write a file, bytes as they are or objects as JSON lines or one document, and read it."""

    def read_file(content, *, name="file", document=False):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if document:
            content = json.dumps(content, indent=1).encode()
        elif isinstance(content, list):
            content = "".join(json.dumps(one) + "\n" for one in content).encode()
        path.write_bytes(content)
        return read_transcript(path)

    return read_file


def only(transcript):
    assert not transcript.rejects
    (call,) = transcript.calls.values()
    return call


# --- Cursor -----------------------------------------------------------------------------------------------------------


def test_equal_rows_of_cursor_are_requests_of_their_own_and_a_second_export_adds_none(read):
    row = CURSOR_ROWS[1]
    first, longer = read(csv_of(row, row)), read(csv_of(CURSOR_ROWS[0], row, row))
    assert len(first.calls) == 2 and first.calls.keys() < longer.calls.keys()


def test_what_a_plan_of_cursor_includes_has_a_list_price_and_says_so(read):
    included, on_demand = read(csv_of(*CURSOR_ROWS)).calls.values()
    assert (included.billing, included.reported_usd, included.tokens_in) == ("plan", 0.06, 130)
    assert (on_demand.billing, on_demand.reported_usd) == (None, 1.10)


def test_the_forms_of_cursors_export_are_read(read):
    paid = {**CURSOR_ROWS[1], "Cost to you": "0.90"}
    words = {**CURSOR_ROWS[0], "Cost": "Included"}
    later = {"Date": paid["Date"], "Cloud Agent ID": "", "Automation ID": "", **CURSOR_ROWS[1]}
    free = {**CURSOR_ROWS[1], "Kind": "Errored, No Charge", "Cost": "-"}
    own = {**CURSOR_ROWS[1], "Kind": "User API Key", "Cost": ""}
    costs = [only(read(csv_of(row))).reported_usd for row in (paid, words, later, free, own)]
    assert costs == [0.90, None, 1.10, 0.0, None]
    assert only(read(csv_of(own))).billing == "own key"


def test_a_row_of_cursor_whose_total_says_that_written_tokens_include_the_others_is_read_so(read):
    row = {**CURSOR_ROWS[0], "Input (w/ Cache Write)": 30, "Input (w/o Cache Write)": 10, "Total Tokens": 135}
    call = only(read(csv_of(row)))
    assert (call.tokens_in, call.cache_write, call.cache_read) == (130, 20, 100)


def test_a_request_of_cursor_counts_once_over_its_csv_and_its_api(read):
    page = json.loads(SOURCES["cursor-api"]())
    event = page["usageEventsDisplay"][0]
    row = {**CURSOR_ROWS[0], "Model": "gpt-5", "Kind": "On-Demand"}
    by_api = read({"usageEventsDisplay": [event]}, document=True)
    assert by_api.calls.keys() == read(csv_of(row)).calls.keys()
    assert (only(by_api).reported_usd, only(by_api).user_id) == (0.075, "ada@example.com")


def test_a_plan_in_cursors_api_is_no_free_service(read):
    _, plan = read(SOURCES["cursor-api"]()).calls.values()
    assert (plan.billing, plan.reported_usd) == ("plan", 0.06)


# --- gateways ---------------------------------------------------------------------------------------------------------


def test_openrouters_cost_and_what_was_paid_with_an_own_key_add_up_and_free_is_free(read):
    assert only(read(csv_of(OPENROUTER_ROW))).reported_usd == pytest.approx(0.6)
    nothing = {**OPENROUTER_ROW, "cost_total": 0, "byok_usage_inference": 0}
    assert only(read(csv_of(nothing))).reported_usd is None
    assert only(read(csv_of({**nothing, "variant": "free"}))).reported_usd == 0.0
    assert only(read(csv_of(OPENROUTER_ROW))).user_id == "ada"


def test_a_spend_log_of_litellm_is_the_same_from_csv_and_json(read):
    by_json, by_csv = only(read([LITELLM_ROW])), only(read(csv_of(LITELLM_ROW)))
    by_page = only(read({"data": [LITELLM_ROW]}, document=True))
    assert by_json == by_csv == by_page
    assert (by_json.tokens_in, by_json.cache_read, by_json.cache_write) == (1000, 800, 100)
    assert (by_json.latency_ms, by_json.reported_usd, by_json.user_id) == (2000.0, 0.02, "ada")


def test_litellms_own_cache_is_free_and_a_spend_of_zero_is_not(read):
    assert only(read([{**LITELLM_ROW, "spend": 0, "cache_hit": "True"}])).reported_usd == 0.0
    assert only(read([{**LITELLM_ROW, "spend": 0}])).reported_usd is None


def test_a_failed_request_of_litellm_is_an_error_without_usage(read):
    transcript = read([{**LITELLM_ROW, "status": "failure"}])
    (activity,) = transcript.activities.values()
    assert not transcript.calls and len(activity.events["api_errors"]) == 1


# --- coding agents ----------------------------------------------------------------------------------------------------


def test_requests_that_a_rewind_of_cline_deleted_were_paid(read):
    entries = [cline_entry(1772442000001), cline_entry(1772442000002, "deleted_api_reqs", cost=0.5)]
    transcript = read(json.dumps(entries).encode())
    assert sorted((call.reported_usd, call.covers) for call in transcript.calls.values()) == [
        (0.01, None),
        (0.5, "run"),
    ]


def test_the_folder_says_which_of_clines_family_wrote_a_task(read):
    content = json.dumps([cline_entry(1772442000001)]).encode()
    for folder, tool in (("rooveterinaryinc.roo-cline", "roo-code"), ("kilocode.kilo-code", "kilo-code")):
        transcript = read(content, name=f"globalStorage/{folder}/tasks/t-1/ui_messages.json")
        assert (transcript.source, only(transcript).origin.session_id) == (tool, "t-1")


def test_an_unknown_cost_in_a_request_of_cline_is_named(read):
    content = json.dumps([cline_entry(1772442000001, thinkingTokens=9)]).encode()
    assert read(content).not_understood == {"api_req_started.thinkingTokens": 1}


def test_each_line_of_a_turn_of_qwen_counts_and_thoughts_are_output(read):
    transcript = read([qwen_line("u-1"), qwen_line("u-2")])
    assert sums(transcript) == (200, 16, 160, 0)


def test_a_status_of_kimi_that_comes_again_counts_once_and_a_sub_agent_belongs_to_its_session(read):
    lines = [kimi_status("m-1"), kimi_status("m-1", output=9)]
    assert sums(read(lines, name="sessions/hash/s-1/wire.jsonl")) == (130, 9, 100, 20)
    call = only(read(lines, name="sessions/hash/s-1/subagents/a-1/wire.jsonl"))
    assert (call.origin.session_id, call.origin.agent) == ("s-1", "a-1")


def test_the_model_of_a_newer_kimi_is_that_of_its_alias(read):
    transcript = read(SOURCES["kimi"](), name="sessions/hash/s-1/wire.jsonl")
    assert sorted(str(call.model) for call in transcript.calls.values()) == ["None", "kimi-k2"]


def test_a_ledger_of_amp_adds_the_requests_that_no_message_has(read):
    transcript = read(amp_thread(), document=True)
    assert sums(transcript) == (137, 7, 100, 20)


def test_requests_of_a_ledger_that_share_a_message_or_name_none_are_all_counted(read):
    thread = amp_thread()
    event = thread["usageLedger"]["events"][1]
    thread["usageLedger"]["events"] += [{**event, "id": "e-3"}, {**event, "id": "e-4", "toMessageId": 1}]
    assert sums(read(thread, document=True)) == (151, 11, 100, 20)
    thread["messages"][1]["messageId"] = []
    assert not read(thread, document=True).rejects


def test_the_cache_creation_of_an_openai_model_in_amp_is_plain_input(read):
    transcript = read({**amp_thread(model="gpt-5"), "usageLedger": {}}, document=True)
    assert sums(transcript) == (130, 5, 100, 0)


def test_the_sums_of_droid_begin_when_its_session_did(read):
    read(SOURCES["droid-session"](), name="d-1.jsonl")
    call = only(read(SOURCES["droid"](), name="d-1.settings.json"))
    assert (call.at, call.origin.project_id, call.model) == ("2026-03-02T09:00:00.000000Z", "project", "GLM-5.1")
    assert (call.tokens_in, call.tokens_out, call.covers) == (130, 8, "session")


def test_a_time_of_writing_is_said(read):
    transcript = read(SOURCES["droid"](), name="alone.settings.json")
    assert "Some droid files name no time: the time at which the file was written is used" in transcript.notes[0]


def test_an_answer_of_openclaw_counts_once_over_backups_and_resets(real_data):
    files = sorted((real_data / "samples" / "real" / "openclaw").glob("5e9096eb*.jsonl*"))
    names = [set(read_transcript(path).calls) for path in files if "trajectory" not in path.name]
    assert (sum(map(len, names)), len(set().union(*names))) == (14, 7)


# --- evaluations ------------------------------------------------------------------------------------------------------


def test_the_best_description_of_a_trial_counts_and_all_name_one_task(read, tmp_path):
    alone = read(harbor_result(), name="trial/result.json", document=True)
    assert (len(alone.calls), only(alone).covers) == (1, "run")
    steps = read(atif_trajectory(), name="trial/agent/trajectory.json", document=True)
    result = read(harbor_result(), name="trial/result.json", document=True)
    assert (len(steps.calls), len(result.calls)) == (1, 0)
    assert steps.activities.keys() == result.activities.keys() == {"fit__X1"}
    transcript = tmp_path / "trial/agent/sessions/projects/p/s.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text("{}")
    again = read(atif_trajectory(), name="trial/agent/trajectory.json", document=True)
    assert not again.calls and "the agent's own transcript in the same trial counts instead" in again.notes[-1]


def test_a_trial_without_a_reward_or_with_an_exception_failed(read):
    states = [
        harbor_result(exception_info=None),
        harbor_result(verifier_result={"rewards": {"reward": 1.0}}),
        harbor_result(exception_info=None, verifier_result={"rewards": {"reward": 1.0}}),
    ]
    found = [read(state, document=True).activities["fit__X1"].status for state in states]
    assert found == ["failed", "failed", "completed"]


def test_sums_of_a_trajectory_count_only_where_no_step_has_any(read):
    steps = [{"step_id": 1, "source": "agent", "timestamp": "2026-03-02T09:00:00Z"}]
    call = only(read(atif_trajectory(steps=steps), document=True))
    assert (call.covers, call.tokens_in, call.reported_usd) == ("run", 100, 0.01)


def test_the_usage_of_openhands_is_in_its_list_or_its_history_and_each_response_counts_once(read):
    listed = only(read([openhands_run()]))
    assert (listed.call_id, listed.tokens_in, listed.latency_ms, listed.reported_usd) == (
        "openhands:c-1",
        100,
        1500,
        0.01,
    )
    twice = [openhands_answer("c-2"), openhands_answer("c-2")]
    costs = [{"cost": 0.03, "timestamp": 1772442000}]
    in_history = only(read([openhands_run(history=twice, metrics={"costs": costs})]))
    assert (in_history.call_id, in_history.cache_read, in_history.reported_usd) == ("openhands:c-2", 80, 0.03)


def test_a_run_of_openhands_that_failed_before_its_first_answer_is_a_failed_task(read):
    run = openhands_run(metrics={"accumulated_cost": 0.0}, history=[], test_result={})
    transcript = read([run])
    (activity,) = transcript.activities.values()
    assert (len(transcript.calls), activity.status, activity.started_at[:16]) == (0, "failed", "2026-03-02T08:59")


def test_attempts_of_openhands_are_tasks_of_their_own(read):
    transcript = read([openhands_run(), openhands_run(attempt=2)])
    assert len(transcript.activities) == 2


def test_snapshots_of_openhands_go_on_so_that_the_last_counts(read):
    transcript = read([openhands_state(100), openhands_state(300)])
    assert only(transcript).tokens_in == 300


def test_cached_tokens_of_inspect_are_inside_or_next_to_the_input_as_its_total_says(read):
    beside = only(read(inspect_header(samples=[inspect_sample(1)]), document=True))
    inside = inspect_sample(1, input_tokens=120, total_tokens=125)
    assert (beside.tokens_in, beside.cache_read, beside.origin.agent) == (120, 100, "grader")
    assert only(read(inspect_header(samples=[inside]), document=True)).tokens_in == 120


def test_both_forms_of_a_log_of_inspect_name_their_calls_alike(read, real_data):
    folder = real_data / "samples" / "real" / "inspect"
    by_json, by_zip = (read_transcript(next(folder.glob(name))) for name in ("log_formats*.json*", "log_formats*.eval"))
    assert by_json.calls.keys() == by_zip.calls.keys() and by_json.activities.keys() == by_zip.activities.keys()


def test_an_answer_from_inspects_own_cache_is_free_and_a_header_alone_has_its_sums(read):
    sample = inspect_sample(1)
    sample["events"][0]["cache"] = "read"
    assert only(read(inspect_header(samples=[sample]), document=True)).reported_usd == 0.0
    alone = only(read(inspect_archive()))
    assert (alone.covers, alone.tokens_in, alone.tokens_out) == ("run", 7, 2)


def test_members_that_are_packed_with_zstd_are_read(read, tmp_path):
    content = json.dumps(inspect_sample(7)).encode()
    packed = bytes(pyarrow.compress(content, "zstd", asbytes=True))
    path = tmp_path / "zstd.eval"
    path.write_bytes(with_zstd_member(b"samples/7_epoch_1.json", packed, len(content)))
    assert only(read_transcript(path)).tokens_in == 120


def with_zstd_member(name: bytes, packed: bytes, size: int) -> bytes:
    """Give a zip file of a stored header and one member of method 93, which Python's own module cannot write."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("header.json", json.dumps(inspect_header()))
        info = zipfile.ZipInfo(name.decode())
        archive.writestr(info, packed)
    content = bytearray(stream.getvalue())
    for signature, method_at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.rindex(signature)
        struct.pack_into("<H", content, place + method_at, 93)
        struct.pack_into("<I", content, place + method_at + 14, size)
    return bytes(content)


def test_a_damaged_sample_is_one_reject_and_the_others_count(read):
    transcript = read(inspect_archive(inspect_sample(1), {"id": 2, "events": [{"event": "model"}]}))
    assert len(transcript.calls) == 1 and transcript.rejects[0].reasons[0].startswith("sample 2: timestamp")


@pytest.mark.parametrize(
    ("run", "status"),
    [
        ({"trajectory": [], "info": {"exit_status": "exit_cost", "model_stats": {}}}, "failed"),
        ({"trajectory": [], "info": {"exit_status": "submitted", "model_stats": {"instance_cost": 0}}}, "completed"),
        ({"trajectory_format": "mini-swe-agent-1", "messages": [], "info": {"exit_status": "Timeout"}}, "failed"),
    ],
    ids=["swe-agent", "swe-agent that submitted", "mini-swe-agent"],
)
def test_a_run_without_usage_is_a_task_that_failed_unless_it_submitted(read, run, status):
    transcript = read(run, document=True)
    (activity,) = transcript.activities.values()
    assert (activity.status, len(transcript.calls), len(transcript.without_usage)) == (status, 0, 1)
    assert "name no time" in transcript.notes[0]


def test_a_model_span_of_mlflow_is_a_call_and_its_agent_is_above_it(read):
    transcript = read(mlflow_trace(), document=True)
    call = only(transcript)
    assert (call.tokens_in, call.tokens_out, call.cache_read, call.latency_ms) == (100, 5, 80, 1000)
    assert (call.model, call.provider, call.origin.session_id, len(call.tools)) == ("gpt-5", "openai", "s-1", 1)
    assert len(transcript.activities["s-1"].events["tool_errors"]) == 1


def test_an_unknown_usage_of_mlflow_is_named(read):
    assert read(mlflow_trace(odd_tokens=7), document=True).not_understood == {"gen_ai.usage.odd_tokens": 1}


# --- runs in CI -------------------------------------------------------------------------------------------------------


def test_a_run_of_claude_in_ci_counts_by_model_and_not_by_its_iterations(read):
    result = claude_result(usage={"iterations": [{"output_tokens": 999}], "cache_creation": {}})
    assert sums(read([result])) == (130, 5, 100, 20)
    transcript = read(claude_messages(), document=True)
    call = only(transcript)
    assert (call.tool_version, call.cache_write_1h, call.latency_ms, len(call.tools)) == ("2.0.76", 20, 900, 1)
    assert transcript.activities["s-1"].status == "failed"


def test_messages_of_claude_without_a_result_are_a_failed_run_whose_usage_is_missing(read):
    transcript = read(claude_messages()[:-1], document=True)
    assert transcript.activities["s-1"].status == "failed" and len(transcript.without_usage) == 1
    assert any("ends before the result of its run" in note for note in transcript.notes)


def test_cached_tokens_of_gh_aw_are_next_to_the_input_of_anthropic_and_inside_that_of_others(read):
    anthropic = only(read([GH_AW_LINE], name="run-77/api-proxy-logs/token-usage.jsonl"))
    assert (anthropic.tokens_in, anthropic.origin.session_id) == (8100, "run-77")
    other = {**GH_AW_LINE, "provider": "openai", "input_tokens": 9000}
    assert only(read([other])).tokens_in == 9000
