"""How many spans a second a receiver takes and loads, by the CPU that it uses; the machine has other work too.

A real receiver gets prepared requests of 512 spans over one connection. Two processes share the work: the one that
answers and the one that loads; with two cores, the slower of the two decides.
"""

import base64
import http.client
import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psutil
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store

REQUESTS, CALLS = 60, 7
TRACES = 64
HEADERS = {"Content-Type": "application/x-protobuf"}


def main() -> None:
    """Print the table."""
    print(
        f"{'requests as':<12}{'spans':>8}{'wall s':>8}{'answering µs':>14}{'loading µs':>12}{'spans/s on 2 cores':>20}"
    )
    for form in ("protobuf", "json"):
        _measure(form)
    print(f"load average of the machine: {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")


def _measure(form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = parse_url("store.db", Path(folder))
        create_store(url)
        command = [sys.executable, "-m", "asp_analysis", "receive", "--port", "0", "--db", url.text]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline().split(" ")[2].rstrip("\n").rstrip(".").rpartition(":")[2])
            _wait(port, "up 1")
            answering = psutil.Process(process.pid)
            (loading,) = answering.children()
            bodies = [_body(number, form) for number in range(REQUESTS)]
            before, began = (_cpu_s(answering), _cpu_s(loading)), time.monotonic()
            _send(port, bodies, form)
            count = REQUESTS * TRACES * (CALLS + 1)
            _wait(port, f"records_total {count}")
            _wait(port, "waiting_records 0")
            wall_s = time.monotonic() - began
            used = [
                (now - then) / count for now, then in zip((_cpu_s(answering), _cpu_s(loading)), before, strict=True)
            ]
            process.terminate()
    micro = [f"{1e6 * one:.0f}" for one in used]
    print(f"{form:<12}{count:>8,}{wall_s:>8.1f}{micro[0]:>14}{micro[1]:>12}{1 / max(used):>20,.0f}")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _send(port: int, bodies: list[bytes], form: str) -> None:
    headers = HEADERS if form == "protobuf" else {"Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as door:
        for body in bodies:
            door.request("POST", "/v1/traces", body, headers)
            answer = door.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()


def _wait(port: int, metric: str) -> None:
    text = ""
    while f"asp_receive_{metric}\n" not in text:
        time.sleep(0.1)
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as door:
            door.request("GET", "/metrics")
            text = door.getresponse().read().decode()


def _body(number: int, form: str) -> bytes:
    """Return a request of 64 traces of an agent and seven calls, with the attributes that an instrumentation sends."""
    request = {"resourceSpans": [{"resource": {"attributes": [_pair("service.name", "bench")]}, "scopeSpans": [
        {"spans": [_span(number * TRACES + trace, place) for trace in range(TRACES) for place in range(CALLS, -1, -1)]}
    ]}]}  # fmt: skip
    if form == "json":
        return json.dumps(request).encode()
    for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in span:
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return bytes(ParseDict(request, ExportTraceServiceRequest()).SerializeToString())


def _span(trace: int, place: int) -> dict:
    began = 1_764_000_000_000_000_000 + trace * 10**9 + place * 10**6
    said = {
        "gen_ai.operation.name": "chat" if place else "invoke_agent", "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.usage.input_tokens": 1_000 + place,
        "gen_ai.usage.output_tokens": 50, "gen_ai.conversation.id": f"c{trace}", "gen_ai.agent.name": "coder",
        "server.address": "api.anthropic.com",
    }  # fmt: skip
    return {
        "traceId": f"{trace + 1:032x}",
        "spanId": f"{trace * 100 + place + 1:016x}",
        **({"parentSpanId": f"{trace * 100 + 1:016x}"} if place else {}),
        "name": "chat claude-sonnet-4-5",
        "kind": 3,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + 5 * 10**8),
        "attributes": [_pair(name, value) for name, value in said.items()],
    }


def _pair(name: str, value: object) -> dict:
    return {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


if __name__ == "__main__":
    main()
