"""Requests in protobuf as OTLP/JSON: ids in hex, 64-bit integers as texts, as exporters of JSON write them."""

import base64
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Document = dict[str, Any]


class ProtobufError(ValueError):
    """Bytes that are no such request."""


def read_protobuf(signal: str, content: bytes) -> Document:
    """Return a request as a document of OTLP/JSON; fields that are not read by anybody are left out.

    Raises:
        ProtobufError: it is none.
    """
    try:
        if signal == "traces":
            return {
                "resourceSpans": [_spans(one) for one in ExportTraceServiceRequest.FromString(content).resource_spans]
            }
        if signal == "logs":
            logs = ExportLogsServiceRequest.FromString(content)
            return {"resourceLogs": [_logs(batch) for batch in logs.resource_logs]}
        found: Document = MessageToDict(ExportMetricsServiceRequest.FromString(content))
        return {"resourceMetrics": found.get("resourceMetrics", [])}
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtobufError(str(error) or "it nests too deeply") from None


def _spans(batch: Any) -> Document:
    scopes = [{"spans": [_span(span) for span in scope.spans]} for scope in batch.scope_spans]
    return {"resource": {"attributes": _attributes(batch.resource.attributes)}, "scopeSpans": scopes}


def _span(span: Any) -> Document:
    found = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "attributes": _attributes(span.attributes),
    }
    if span.parent_span_id:
        found["parentSpanId"] = span.parent_span_id.hex()
    if span.flags:
        found["flags"] = span.flags
    if span.status.code:
        found["status"] = {"code": span.status.code}
    return found


def _logs(batch: Any) -> Document:
    scopes = [{"logRecords": [_record(record) for record in scope.log_records]} for scope in batch.scope_logs]
    return {"resource": {"attributes": _attributes(batch.resource.attributes)}, "scopeLogs": scopes}


def _record(record: Any) -> Document:
    attributes = _attributes(record.attributes)
    if record.event_name and not any(one["key"] == "event.name" for one in attributes):
        attributes.append({"key": "event.name", "value": {"stringValue": record.event_name}})
    return {
        "timeUnixNano": str(record.time_unix_nano),
        "observedTimeUnixNano": str(record.observed_time_unix_nano),
        "body": _value(record.body),
        "attributes": attributes,
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
    }


def _attributes(pairs: Any) -> list[Document]:
    return [{"key": pair.key, "value": _value(pair.value)} for pair in pairs]


def _value(value: Any) -> Document:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return {"stringValue": value.string_value}
    if kind == "int_value":
        return {"intValue": str(value.int_value)}
    if kind == "double_value":
        return {"doubleValue": value.double_value}
    if kind == "bool_value":
        return {"boolValue": value.bool_value}
    if kind == "array_value":
        return {"arrayValue": {"values": [_value(one) for one in value.array_value.values]}}
    if kind == "kvlist_value":
        return {"kvlistValue": {"values": _attributes(value.kvlist_value.values)}}
    if kind == "bytes_value":
        return {"bytesValue": base64.b64encode(value.bytes_value).decode()}
    return {}
