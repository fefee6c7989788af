"""The door: OTLP over HTTP. A request is answered 200 when it is on the disk, and refused with a reason otherwise.

Tornado reads the requests: chunks, slow clients and sizes are its work, and JupyterLab brings it anyway.
"""

import asyncio
import errno
import hmac
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from asp_analysis.errors import ConfigError
from asp_analysis.receiving.bodies import MOST_BYTES, PROTOBUF, BodyError, BodyForm, read_body, read_form
from asp_analysis.receiving.received_spill import ReceivedSpill

log = logging.getLogger("asp_analysis.receiving")

_IDLE_S, _BODY_S = 60.0, 30.0
_MOST_HEADERS = 64 * 1024
_MOST_HELD = 8 * MOST_BYTES
_RETRY_AFTER_S = "5"
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_MOST_DISCARDED, _DISCARDED = 4 * MOST_BYTES, 1 << 40


@dataclass(kw_only=True)
class DoorCounts:
    """What came through the door; `held_bytes` is what is in memory now."""

    requests: int = 0
    refused: int = 0
    received_bytes: int = 0
    held_bytes: int = 0
    by_status: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Door:
    """What a handler needs: where requests are kept, who may come, and the pages about it.

    token: None where anybody on this machine may send. describe: returns the text of /metrics; is_well: whether what is
    kept is also loaded.
    """

    spill: ReceivedSpill
    token: str | None
    counts: DoorCounts
    threads: ThreadPoolExecutor
    describe: Callable[[], str]
    find_trouble: Callable[[], str]


class _Page(RequestHandler):
    """What all pages share: who may ask, and how a refusal looks."""

    door: Door

    def initialize(self, door: Door) -> None:
        self.door = door

    def prepare(self) -> None:
        """Refuse who may not ask."""
        if (error := self.find_stranger()) is not None:
            self.refuse(error)

    def find_stranger(self) -> BodyError | None:
        """Return why the request may not be made; without a token, only programs that mean this machine may."""
        if self.door.token is None:
            name = self.request.host if self.request.host.endswith("]") else self.request.host.partition(":")[0]
            if name.lower() in _LOOPBACK_NAMES or self.request.host.startswith("[::1]:"):
                return None  # the page of a browser may send to this machine too, under another name
            return BodyError(403, "Without a token, only requests to localhost are taken.")
        said = self.request.headers.get("Authorization", "")
        if hmac.compare_digest(said.encode(errors="replace"), f"Bearer {self.door.token}".encode()):
            return None
        self.set_header("WWW-Authenticate", "Bearer")
        return BodyError(401, "The token is missing or wrong. Send it as Authorization: Bearer TOKEN.")

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    def refuse(self, error: BodyError, form: BodyForm | None = None) -> None:
        """Answer with a reason, as OTLP has it; only 503 says that trying again helps."""
        self.door.counts.refused += 1
        self.set_status(error.status)
        if error.status == 503:
            self.set_header("Retry-After", _RETRY_AFTER_S)
        if form is not None and not form.is_json:
            self.set_header("Content-Type", PROTOBUF)
            self.finish(_protobuf_status(str(error)))
        else:
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps({"code": error.status, "message": str(error)}))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what tornado refuses, such as a wrong method, in the same form."""
        self.refuse(BodyError(status_code, self._reason))

    def on_finish(self) -> None:
        """Count the answer."""
        statuses = self.door.counts.by_status
        statuses[self.get_status()] = statuses.get(self.get_status(), 0) + 1


@stream_request_body
class _Telemetry(_Page):
    """`POST /v1/traces`, `/v1/logs` and `/v1/metrics`."""

    def initialize(self, door: Door) -> None:
        super().initialize(door)
        self._parts: list[bytes] = []
        self._size = 0
        self._form: BodyForm | None = None
        self._error: BodyError | None = None

    def prepare(self) -> None:
        """Look at the headers; what is wrong is said after the body, which most clients send before they listen."""
        self.request.connection.set_max_body_size(_DISCARDED)  # type: ignore[union-attr]
        self.door.counts.requests += 1
        self._error = self.find_stranger()
        headers = self.request.headers
        try:
            self._form = read_form(headers.get("Content-Type", ""), headers.get("Content-Encoding", ""))
            if self.door.counts.held_bytes > _MOST_HELD:
                raise BodyError(503, "Too many requests at once. Try again.")
        except BodyError as error:
            self._error = self._error or error

    def data_received(self, chunk: bytes) -> None:
        """Hold the next part of a body that is wanted; one that does not end is cut off."""
        if self._finished:
            return
        self._size += len(chunk)
        if self._size > MOST_BYTES:
            self._error = self._error or BodyError(413, _too_large())
            self._release()
        if self._error is None:
            self._parts.append(chunk)
            self.door.counts.held_bytes += len(chunk)
        elif self._size > _MOST_DISCARDED:
            self.set_header("Connection", "close")
            self.refuse(self._error, self._form)

    async def post(self, signal: str) -> None:
        """Keep the request, then answer."""
        if self._finished:
            return
        if self._error is not None or self._form is None:
            self.refuse(self._error or BodyError(400, "The request has no body."), self._form)
            return
        data, form = b"".join(self._parts), self._form
        try:
            await asyncio.get_running_loop().run_in_executor(self.door.threads, self._keep, signal, form, data)
        except BodyError as error:
            self.refuse(error, form)
            return
        except OSError as error:
            reason = error.strerror or str(error)
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            log.warning("A request could not be kept: %s", reason)
            self.refuse(BodyError(503, "The disk is full." if is_full else f"It could not be kept: {reason}."), form)
            return
        self.door.counts.received_bytes += len(data)
        self.set_header("Content-Type", form.media_type)
        self.finish("{}" if form.is_json else b"")

    def _keep(self, signal: str, form: BodyForm, data: bytes) -> None:
        self.door.spill.keep(read_body(signal, form, data))

    def on_connection_close(self) -> None:
        self._release()

    def on_finish(self) -> None:
        super().on_finish()
        self._release()

    def _release(self) -> None:
        self.door.counts.held_bytes -= sum(map(len, self._parts))
        self._parts = []


class _Metrics(_Page):
    """`GET /metrics`, in the text format of Prometheus."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(self.door.describe())


class _Health(_Page):
    """`GET /health`: 200 where requests are taken and loaded, 503 with the reason where they only wait."""

    def get(self) -> None:
        trouble = self.door.find_trouble()
        self.set_status(503 if trouble else 200)
        self.finish({"status": trouble or "ok"})


class _Nothing(_Page):
    """Every other page."""

    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            raise HTTPError(404, reason="Only /v1/traces, /v1/logs, /v1/metrics, /metrics and /health are here")


def open_door(door: Door, host: str, port: int) -> tuple[HTTPServer, int]:
    """Listen; return the server and its port, which is chosen by the system where `port` is 0.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    about = {"door": door}
    application = Application(
        [
            (r"/v1/(traces|logs|metrics)", _Telemetry, about),
            (r"/metrics", _Metrics, about),
            (r"/health", _Health, about),
        ],
        default_handler_class=_Nothing,
        default_handler_args=about,
        log_function=lambda _handler: None,
    )
    server = HTTPServer(
        application,
        idle_connection_timeout=_IDLE_S,
        body_timeout=_BODY_S,
        max_header_size=_MOST_HEADERS,
    )
    try:
        sockets = bind_sockets(port, host)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. Choose another --port, or --host."
        ) from None
    server.add_sockets(sockets)
    return server, int(sockets[0].getsockname()[1])


def _too_large() -> str:
    return f"The body is larger than {MOST_BYTES >> 20} MB. Send smaller batches."


def _protobuf_status(message: str) -> bytes:
    """Return a google.rpc.Status with this message, which is its second field."""
    text = message.encode()[:4_000]
    length = bytes([len(text) & 0x7F | 0x80, len(text) >> 7]) if len(text) > 0x7F else bytes([len(text)])
    return b"\x12" + length + text
