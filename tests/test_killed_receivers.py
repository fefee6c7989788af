"""Receivers and their loaders that are killed at any moment: nothing that was acknowledged is lost, nothing doubled.

ASP_KILLS says how often each is killed; together they are killed 50 times otherwise.
"""

import http.client
import json
import os
import random
import sqlite3
import time
from contextlib import closing, suppress

import pytest

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.receiving.leftovers import load_received, received_waiting
from asp_analysis.receiving.pending import Patience
from asp_analysis.receiving.received_spill import ReceivedSpill
from asp_analysis.receiving.receiver import Receiver
from asp_analysis.receiving.settling import Settler, only_settler
from asp_analysis.store.database import create_store
from tests.killing import kill, started
from tests.test_receive import span, traces

pytestmark = pytest.mark.faults

RECEIVER_KILLS, LOADER_KILLS = (int(os.environ.get("ASP_KILLS", count)) for count in (20, 30))
CHILDREN = 3
DEADLINE_S = 90


def receive(begin, path, port_file):
    def ready(port):
        port_file.write_text(str(port))
        begin()

    Receiver(StoreUrl(f"sqlite:///{path}", path), None).run("127.0.0.1", 0, ready)


def settle_for_ever(begin, path):
    url = StoreUrl(f"sqlite:///{path}", path)
    with only_settler(url):
        settler = Settler(url)
        begin()
        while True:
            settler.step(Patience.FOR_ROOTS)
            time.sleep(0.01)


def parts(number):
    """The requests of one trace: its calls, then the agent around them, whose own usage must never count."""
    first = number * 10
    calls = [
        span(number + 1, first + place + 1, tokens=number + place + 1, parent=first + 9) for place in range(CHILDREN)
    ]
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": f"C{number}"}
    return [traces(calls[0]), traces(*calls[1:]), traces(span(number + 1, first + 9, tokens=10**6, **agent))]


def stored(url):
    with closing(sqlite3.connect(url.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM load_reject").fetchone() == (0,)
        return connection.execute("SELECT task_id, tokens_in FROM agent_cost_vector ORDER BY 1, 2").fetchall()


def expected(count):
    return sorted((f"C{number}", number + place + 1) for number in range(count) for place in range(CHILDREN))


def send(port, document):
    """Send a request; return whether it was acknowledged."""
    with suppress(OSError, http.client.HTTPException), closing(http.client.HTTPConnection("127.0.0.1", port)) as door:
        door.request("POST", "/v1/traces", json.dumps(document), {"Content-Type": "application/json"})
        return door.getresponse().status == 200
    return False


@pytest.fixture
def url(tmp_path):
    made = parse_url("store.db", tmp_path)
    create_store(made)
    return made


def test_killed_receivers_lose_nothing_that_they_acknowledged_and_double_nothing(url, tmp_path, record_property):
    randomness, sent, met = random.Random(24), 0, 0
    queue = []
    for _ in range(RECEIVER_KILLS):
        port_file = tmp_path / "port"
        process = started(receive, url.path, port_file)
        port, until = int(port_file.read_text()), time.monotonic() + randomness.uniform(0.05, 0.5)
        killed_at = randomness.uniform(0, 0.02)
        while time.monotonic() < until:
            if not queue:
                queue, sent = parts(sent), sent + 1
            if send(port, queue[0]):
                queue.pop(0)
        if queue:  # one more request is on its way when the process is killed
            _send_and_leave(port, queue[0])
        met += kill(process, killed_at, randomness)
    while queue:
        process = started(receive, url.path, port_file)
        while queue and send(int(port_file.read_text()), queue[0]):
            queue.pop(0)
        process.kill()
    deadline = time.monotonic() + DEADLINE_S
    while received_waiting(url):  # the loaders of killed receivers end by themselves
        assert time.monotonic() < deadline
        load_received(url)
        time.sleep(0.1)
    assert stored(url) == expected(sent)
    record_property("kills of a receiver at work", f"{met} of {RECEIVER_KILLS}, {sent} traces")
    assert met > RECEIVER_KILLS / 2
    assert sent > RECEIVER_KILLS


def _send_and_leave(port, document):
    """Send a request and do not wait for its answer; it is sent again later."""
    body = json.dumps(document).encode()
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port)) as door:
        door.connect()
        door.sock.sendall(head.encode() + b"\r\n\r\n" + body)


def test_killed_loaders_lose_nothing_and_double_nothing(url, record_property):
    spill, traces_kept, met, randomness = ReceivedSpill(url.spill_path), 0, 0, random.Random(25)
    for _ in range(LOADER_KILLS):
        late = None
        for _ in range(8):
            *first, last = parts(traces_kept)
            for document in (*first, *([late] if late else [])):
                spill.keep(document)
            late, traces_kept = last, traces_kept + 1
            if traces_kept % 3 == 0:
                spill.let_go()
        spill.keep(late)
        spill.let_go()
        met += kill(started(settle_for_ever, url.path), 0.3, randomness)
    with only_settler(url):
        assert Settler(url).finish(Patience.FOR_ROOTS)
    assert received_waiting(url) == 0
    assert stored(url) == expected(traces_kept)
    record_property("kills of a loader at work", f"{met} of {LOADER_KILLS}")
    assert met == LOADER_KILLS
