"""Telemetry over HTTP: what real exporters send arrives, and what is wrong is refused with a reason."""

import gzip
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from asp_analysis.config import parse_url
from asp_analysis.receiving import bodies
from asp_analysis.receiving.leftovers import load_received, received_waiting
from asp_analysis.receiving.pending import Patience
from asp_analysis.receiving.received_spill import ReceivedSpill
from asp_analysis.receiving.settling import Settler, only_settler
from asp_analysis.session import connect
from asp_analysis.store.database import create_store

DEADLINE_S = 60


class Running:
    """A receiver in a process of its own."""

    def __init__(self, process, address, url, lines):
        self.process, self.address, self.url, self.lines = process, address, url, lines

    def ask(self, path, body=None, **headers):
        """Return the status and the body of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.address}{path}", data=body, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def send(self, document, path="/v1/traces"):
        return self.ask(path, json.dumps(document).encode(), Content_Type="application/json")

    def raw(self, *parts, pause_s=0.0):
        """Send bytes as they are; return all that comes back until the connection is closed, or nothing comes."""
        host, port = self.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause_s)
            connection.shutdown(socket.SHUT_WR)
            found = b""
            with closing(connection):
                try:
                    while data := connection.recv(65_536):
                        found += data
                except (TimeoutError, ConnectionResetError):
                    pass
            return found

    def metric(self, name):
        text = self.ask("/metrics")[1].decode()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"asp_receive_{name} "))

    def wait_for(self, **wanted):
        """Wait until metrics have reached their values."""
        deadline = time.monotonic() + DEADLINE_S
        while any(self.metric(name) < value for name, value in wanted.items()):
            assert time.monotonic() < deadline, self.ask("/metrics")[1].decode()
            time.sleep(0.1)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)


@contextmanager
def receiving(url, *options):
    command = [sys.executable, "-m", "asp_analysis", "receive", "--port", "0", "--db", url.text, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
        address = first.split(" ")[2].rstrip("\n").rstrip(".")
        try:
            yield Running(process, address, url, lines)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    """A receiver for tests that store nothing, or look for what is theirs."""
    url = parse_url("store.db", tmp_path_factory.mktemp("receive"))
    create_store(url)
    with receiving(url) as running:
        yield running


@pytest.fixture
def empty(tmp_path):
    url = parse_url("store.db", tmp_path)
    create_store(url)
    return url


def rows(url, query, *values):
    with closing(sqlite3.connect(url.path)) as connection:
        return connection.execute(query, values).fetchall()


def found_in_time(url, query):
    """Return what a query finds as soon as its first value is one: a trace waits a moment for late spans."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := rows(url, query)) or not found[0][0]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


class Here:
    """What a receiver keeps and its loader does, in this process."""

    def __init__(self, url):
        self.url, self.spill, self.settler = url, ReceivedSpill(url.spill_path), Settler(url)

    def send(self, document, patience=Patience.USUAL):
        self.spill.keep(document)
        self.spill.let_go()
        assert self.settler.step(patience)


def pair(key, value):
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


def span(trace, number, tokens=None, parent=None, **attributes):
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-4-5", **attributes}
    if tokens is not None:
        said["gen_ai.usage.input_tokens"] = tokens
    return {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        **({} if parent is None else {"parentSpanId": f"{parent:016x}"}),
        "name": "chat",
        "startTimeUnixNano": str(1_764_000_000_000_000_000 + number * 1_000_000),
        "endTimeUnixNano": str(1_764_000_000_500_000_000 + number * 1_000_000),
        "attributes": [pair(key, value) for key, value in said.items()],
    }


def traces(*spans):
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [*spans]}]}]}


# --- real exporters ---------------------------------------------------------------------------------------------------


def test_what_the_real_sdk_exports_is_stored_call_by_call(receiver):
    about = Resource({"service.name": "checkout"})
    spans = TracerProvider(resource=about)
    exporter = OTLPSpanExporter(endpoint=f"{receiver.address}/v1/traces", compression=Compression.Gzip)
    spans.add_span_processor(BatchSpanProcessor(exporter))
    tracer = spans.get_tracer("test")
    for number in range(40):
        agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner",
                 "gen_ai.conversation.id": f"c{number}", "gen_ai.usage.input_tokens": 1_000}  # fmt: skip
        with tracer.start_as_current_span("agent", attributes=agent):
            for call in range(3):
                said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-4-5",
                        "gen_ai.usage.input_tokens": 100 + call, "gen_ai.usage.output_tokens": 7}  # fmt: skip
                with tracer.start_as_current_span("chat", attributes=said):
                    pass
    exporter = OTLPMetricExporter(endpoint=f"{receiver.address}/v1/metrics")
    meters = MeterProvider(metric_readers=[PeriodicExportingMetricReader(exporter)])
    meters.get_meter("test").create_counter("claude_code.token.usage").add(5)
    spans.shutdown()
    meters.shutdown()
    receiver.wait_for(points_passed_over_total=1)
    query = (
        "SELECT count(*), sum(tokens_in), sum(tokens_out), count(DISTINCT task_id), min(agent_role), count(cost_usd) "
        "FROM agent_cost_vector WHERE project_id = 'checkout'"
    )
    assert found_in_time(receiver.url, query) == [(120, 40 * 303, 120 * 7, 40, "planner", 120)]
    assert rows(receiver.url, "SELECT DISTINCT format, loaded_as FROM load_log") == [("opentelemetry", "transcript")]


def emit(address, session, events):
    """Send log events of a session with the real exporter."""
    provider = LoggerProvider(resource=Resource({"service.name": "claude-code"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{address}/v1/logs")))
    logger = provider.get_logger("events")
    for number, (name, attributes) in enumerate(events):
        at = 1_764_000_000_000_000_000 + number * 1_000_000_000
        said = {"event.name": name, "session.id": session, "event.sequence": number, **attributes}
        logger.emit(LogRecord(timestamp=at, observed_timestamp=at, body=name, attributes=said))
    provider.shutdown()


CLAUDE_REQUEST = {
    "model": "claude-sonnet-4-5", "input_tokens": 10, "output_tokens": 20, "cache_read_tokens": 300,
    "cache_creation_tokens": 40, "cost_usd": 0.05, "duration_ms": 1200,
}  # fmt: skip


def test_events_of_claude_code_become_calls_with_their_tools_even_where_these_come_later(receiver):
    query = "SELECT tokens_in, tokens_cache_read, cost_usd, latency_ms FROM agent_cost_vector WHERE task_id = 'S-1'"
    emit(receiver.address, "S-1", [("api_request", CLAUDE_REQUEST)])
    assert found_in_time(receiver.url, query) == [(350, 300, 0.05, 1200)]
    emit(receiver.address, "S-1", [("ignored", {}), ("tool_result", {"tool_name": "Bash", "success": "false"})])
    query = "SELECT tool_calls FROM agent_cost_vector WHERE task_id = 'S-1'"
    assert found_in_time(receiver.url, query) == [(1,)]


def test_events_of_gemini_cli_become_calls(receiver):
    response = {
        "model": "gemini-2.5-pro", "duration_ms": 900, "input_token_count": 1_000, "output_token_count": 50,
        "cached_content_token_count": 600, "thoughts_token_count": 25, "tool_token_count": 5,
        "total_token_count": 1_080,
    }  # fmt: skip
    events = [("gemini_cli.api_response", response), ("gemini_cli.tool_call", {"function_name": "ls"})]
    emit(receiver.address, "G-1", events)
    query = (
        "SELECT tokens_in, llm_provider, tokens_cache_read, tokens_out, tool_calls FROM agent_cost_vector "
        "WHERE task_id = 'G-1'"
    )
    assert found_in_time(receiver.url, query) == [(1_005, "google", 600, 75, 1)]


def test_the_printed_lines_name_this_receiver_and_work_as_environments(receiver):
    claude, codex, gemini, sdk = receiver.lines
    for line in (claude, codex, gemini, sdk):
        assert receiver.address in line
    said = dict(word.split("=", 1) for word in sdk.removeprefix("OpenTelemetry SDK: ").split()[:-1])
    code = (
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as E\n"
        "from opentelemetry.sdk.trace import TracerProvider as T\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor as S\n"
        "t = T(); t.add_span_processor(S(E())); t.get_tracer('x').start_span('chat').end(); t.shutdown()"
    )
    before = receiver.metric("received_bytes_total")
    subprocess.run([sys.executable, "-c", code], env=said, check=True)
    assert receiver.metric("received_bytes_total") > before


@pytest.mark.slow
def test_a_store_on_a_server_receives_too(postgres_url, tmp_path, monkeypatch):
    create_store(postgres_url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://postgres@127.0.0.1/nowhere\n")
    with receiving(postgres_url) as running:
        assert running.send(traces(span(1, 1, tokens=10), span(1, 2, tokens=5, parent=1))) == (200, b"{}")
        running.wait_for(records_total=2)
        running.end()
    with connect(postgres_url) as session:
        assert session.sql("SELECT tokens_in FROM executions")["tokens_in"].tolist() == [5]
    assert [path.name for path in (tmp_path / "data").iterdir() if path.suffix == ".jsonl"] == []


# --- traces in parts --------------------------------------------------------------------------------------------------


def test_a_trace_that_comes_in_parts_is_counted_at_one_level(empty):
    here = Here(empty)
    here.send(traces(span(1, 11, tokens=10, parent=10)), Patience.FOR_ROOTS)
    here.send(traces(span(1, 12, tokens=20, parent=10)), Patience.FOR_ROOTS)
    assert rows(empty, "SELECT count(*) FROM agent_cost_vector") == [(0,)], "it waits for its root"
    root = span(1, 10, tokens=30, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "C"})
    here.send(traces(root), Patience.FOR_ROOTS)
    found = rows(empty, "SELECT task_id, tokens_in FROM agent_cost_vector ORDER BY tokens_in")
    assert found == [("C", 10), ("C", 20)]


def test_a_span_that_comes_after_its_trace_was_stored_completes_it(empty):
    here = Here(empty)
    here.send(traces(span(1, 11, tokens=10, parent=10)), Patience.NONE)
    assert rows(empty, "SELECT tokens_in FROM agent_cost_vector") == [(10,)]
    root = span(1, 10, tokens=30, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "C"})
    here.send(traces(root), Patience.FOR_ROOTS)
    assert rows(empty, "SELECT tokens_in, agent_role FROM agent_cost_vector") == [(10, "Code")]


def test_what_waits_is_kept_by_the_next_loader_without_what_was_stored(empty):
    first = Here(empty)
    first.send(traces(span(1, 11, tokens=10, parent=10), span(2, 21, tokens=5)), Patience.FOR_ROOTS)
    first.send(traces(span(3, 31, tokens=6), span(3, 32, tokens=7, parent=31)), Patience.FOR_ROOTS)
    assert received_waiting(empty) == 1
    second = Here(empty)
    second.send(traces(span(1, 10, tokens=99, **{"gen_ai.operation.name": "invoke_agent"})), Patience.FOR_ROOTS)
    assert rows(empty, "SELECT tokens_in FROM agent_cost_vector ORDER BY 1") == [(5,), (7,), (10,)]
    assert received_waiting(empty) == 0
    assert rows(empty, "SELECT sum(present) FROM load_log") == [(0,)]


def test_what_waits_is_known_to_status_and_taken_by_load(empty, run, tmp_path):
    Here(empty).send(traces(span(1, 11, tokens=10, parent=10)))
    assert received_waiting(empty) == 1
    status = run("status", "--db", empty.text, "--table", "checks", "--json")
    assert {"check": "records waiting", "measured": "1"}.items() <= status.json[-1].items()
    other = tmp_path / "other.csv"
    other.write_text("executed_at,task_id,agent_role,cost_usd\n2026-01-02,T,Code,1\n")
    assert "1 received record" in run("load", str(other), "--db", empty.text).err
    assert rows(empty, "SELECT count(*) FROM agent_cost_vector") == [(2,)]
    assert received_waiting(empty) == 0 == load_received(empty)


def test_a_request_of_claude_code_counts_once_that_comes_as_an_event_and_later_as_a_span(empty):
    here = Here(empty)
    said = {"event.name": "api_request", "session.id": "S", "request_id": "req-1", "model": "claude-sonnet-4-5",
            "input_tokens": 10, "output_tokens": 5, "cost_usd": "0.5"}  # fmt: skip
    record = {"timeUnixNano": "1764000000000000000", "attributes": [pair(*one) for one in said.items()]}
    here.send({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    request = {**span(1, 1, **{"request_id": "req-1", "input_tokens": 10, "output_tokens": 5, "session.id": "S"})}
    here.send(traces({**request, "name": "claude_code.llm_request"}), Patience.NONE)
    assert rows(empty, "SELECT tokens_in, cost_usd FROM agent_cost_vector") == [(10, 0.5)]


def test_a_request_that_is_sent_again_counts_once(empty):
    here = Here(empty)
    for _ in range(3):
        here.send(traces(span(1, 1, tokens=10), span(2, 2, tokens=20)), Patience.NONE)
    assert rows(empty, "SELECT count(*), sum(tokens_in) FROM agent_cost_vector") == [(2, 30)]


def test_a_span_that_cannot_be_read_is_a_reject_and_the_others_of_its_request_are_stored(empty, run):
    bad = span(3, 3, tokens=5)
    bad["attributes"].append(pair("gen_ai.usage.output_tokens", "many"))
    Here(empty).send(traces(span(1, 1, tokens=10), bad, span(2, 2, tokens=20)), Patience.NONE)
    assert rows(empty, "SELECT sum(tokens_in) FROM agent_cost_vector") == [(30,)]
    (reject,) = run("rejects", "--db", empty.text, "--json").json
    assert "gen_ai.usage.output_tokens" in str(reject["reasons"]) and reject["line_number"] == 1


def test_a_store_that_cannot_be_written_loses_nothing(empty):
    here = Here(empty)
    aside = empty.path.rename(empty.path.with_suffix(".aside"))
    here.spill.keep(traces(span(1, 1, tokens=10)))
    here.spill.let_go()
    assert not here.settler.step(Patience.NONE)
    assert "does not exist" in here.settler.counts.failure
    aside.rename(empty.path)
    assert here.settler.step(Patience.NONE)
    assert rows(empty, "SELECT tokens_in FROM agent_cost_vector") == [(10,)]


def test_only_one_process_settles(empty):
    with only_settler(empty) as first, only_settler(empty) as second:
        assert (first, second) == (True, False)


# --- hostile requests -------------------------------------------------------------------------------------------------

JSON = {"Content_Type": "application/json"}
GZIP = {**JSON, "Content_Encoding": "gzip"}


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"{}", {"Content_Type": "text/plain"}, 415, "Content-Type 'text/plain' is not read"),
        (b"{}", {"Content_Type": "application/json", "Content_Encoding": "br"}, 415, "Content-Encoding 'br'"),
        (b"{", JSON, 400, "not JSON"),
        (b"[" * 100_000, JSON, 400, "not JSON"),
        (b"[]", JSON, 400, "an object with a list resourceSpans is expected"),
        (b'{"resourceSpans": 7}', JSON, 400, "an object with a list resourceSpans is expected"),
        (b"no gzip", GZIP, 400, "not gzip, or damaged"),
        (gzip.compress(b'{"resourceSpans": []}')[:-9], GZIP, 400, "cut short"),
        (gzip.compress(b"{}") + b"more", GZIP, 400, "goes on after its end"),
        (gzip.compress(b" " * (65 * 2**20)), GZIP, 413, "unpacks to more than 64 MB"),
        (b" " * (17 * 2**20), JSON, 413, "larger than 16 MB"),
    ],
    ids=["type", "packing", "json", "nested", "list", "number", "gzip", "cut", "tail", "bomb", "huge"],
)  # fmt: skip
def test_a_request_that_cannot_be_read_is_refused_with_the_reason(receiver, body, headers, status, reason):
    code, answer = receiver.ask("/v1/traces", body, **headers)
    assert code == status
    assert reason in json.loads(answer)["message"]


def test_damaged_protobuf_is_refused_in_protobuf(receiver):
    whole = ExportTraceServiceRequest()
    whole.resource_spans.add().scope_spans.add().spans.add().name = "x" * 100
    code, answer = receiver.ask("/v1/traces", whole.SerializeToString()[:-5], Content_Type="application/x-protobuf")
    assert code == 400
    assert answer[:1] == b"\x12" and b"not a request of traces in protobuf" in answer


@pytest.mark.parametrize("path", ["/", "/v1/profiles", "/v1/traces/x", "/%2e%2e/etc/passwd"])
def test_other_pages_are_not_there(receiver, path):
    assert receiver.ask(path, b"{}", **JSON)[0] == 404


def test_a_telemetry_page_takes_only_post(receiver):
    assert receiver.ask("/v1/traces")[0] == 405


HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def test_a_chunked_request_is_taken_whole(receiver):
    chunks = (b'5\r\n{"res\r\n', b'10\r\nourceSpans": []}\r\n', b"0\r\n\r\n")
    answer = receiver.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, pause_s=0.05)
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "parts",
    [
        (HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"res\r\n',),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",),
        (HEAD + b"Content-Length: 100\r\n\r\n{",),
        (HEAD + b"Content-Length: -1\r\n\r\n{}",),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",),
        (b"POST /v1/traces HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",),
        (b"\x00\x01\x02\r\n\r\n",),
    ],
    ids=["cut chunks", "no chunk", "cut body", "negative", "two lengths", "many headers", "no http"],
)
def test_a_request_that_is_cut_or_smuggled_is_not_taken_and_the_door_stays_open(receiver, parts):
    before = receiver.metric("received_bytes_total")
    assert b" 200 " not in receiver.raw(*parts)
    assert receiver.metric("received_bytes_total") == before
    assert receiver.ask("/health")[0] == 200


def test_a_chunked_request_that_does_not_end_is_refused_when_it_is_too_large(receiver):
    chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    try:
        answer = receiver.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 66)
    except OSError:
        answer = b""  # it came while the client was still sending, and the system dropped it
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    assert receiver.send(traces()) == (200, b"{}")


def test_slow_clients_keep_nobody_out(receiver):
    host, port = receiver.address.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(100)]
    for connection in slow:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
    assert receiver.send(traces()) == (200, b"{}")
    for connection in slow:
        connection.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceSpans": [1, null, {"scopeSpans": [{"spans": [[], {"traceId": {}}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": 7}]}]}]}',
    ],
    ids=["spans", "logs"],
)
def test_hostile_shapes_do_not_stop_the_loader(receiver, body):
    path = "/v1/logs" if b"Logs" in body else "/v1/traces"
    before = receiver.metric("records_total")
    assert receiver.ask(path, body, **JSON)[0] == 200
    receiver.wait_for(records_total=before + 1)
    assert receiver.ask("/health") == (200, b'{"status": "ok"}')


# --- who may come -----------------------------------------------------------------------------------------------------


def test_without_a_token_only_localhost_is_meant(receiver):
    port = receiver.address.rpartition(":")[2].encode()
    for host in (b"evil.example:" + port, b"169.254.1.1", b""):
        request = HEAD.replace(b"localhost", host) + b"Content-Length: 2\r\n\r\n{}"
        assert receiver.raw(request).startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ")), host


def test_beyond_this_machine_a_token_is_required(empty, run):
    assert "no token" in run("receive", "--host", "0.0.0.0", "--port", "0", "--db", empty.text).refusal


def test_with_a_token_nothing_is_said_without_it(empty, tmp_path):
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    with receiving(empty, "--host", "0.0.0.0", "--token-file", str(file)) as running:
        running.address = running.address.replace("0.0.0.0", "127.0.0.1")
        assert all("s3cret" not in line for line in running.lines)
        for path in ("/v1/traces", "/metrics", "/health", "/"):
            assert running.ask(path, b"{}", **JSON, Authorization="Bearer wrong")[0] == 401
            assert running.ask(path, b"{}", **JSON)[0] == 401
        assert running.ask("/v1/traces", b"{}", **JSON, Authorization="Bearer s3cret")[0] == 200


def test_a_token_that_others_may_read_is_refused(empty, run, tmp_path):
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o644)
    assert "Others may read the token" in run("receive", "--db", empty.text, "--token-file", str(file)).refusal


def test_a_port_that_is_taken_is_refused(empty, run, receiver):
    port = receiver.address.rpartition(":")[2]
    assert "cannot be listened on" in run("receive", "--port", port, "--db", empty.text).refusal


def test_a_store_that_is_not_there_is_refused(run, tmp_path):
    assert "does not exist" in run("receive", "--port", "0", "--db", str(tmp_path / "none.db")).refusal


def test_protobuf_without_its_package_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "asp_analysis.receiving.protobuf", None)
    with pytest.raises(bodies.BodyError, match=r"install asp-analysis\[receive\]") as caught:
        bodies.read_body("traces", bodies.read_form("application/x-protobuf", ""), b"")
    assert caught.value.status == 415
