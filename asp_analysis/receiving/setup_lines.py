"""One line for each program that is to send: typed before it, or with it, and nothing else has to be changed."""


def setup_lines(address: str, has_token: bool) -> dict[str, str]:
    """Return the line by the name of the program; `address` is http://HOST:PORT.

    With a token, the line holds the word TOKEN in its place: what is printed may be read by others.
    """
    headers = "OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer%20TOKEN' " if has_token else ""
    codex_headers = ',headers={Authorization="Bearer TOKEN"}' if has_token else ""
    endpoint = f"OTEL_EXPORTER_OTLP_ENDPOINT={address}"
    return {
        "Claude Code": (
            f"CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_LOGS_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/json {endpoint} "
            f"{headers}claude"
        ),
        "Codex": (
            f'codex -c \'otel.exporter={{otlp-http={{endpoint="{address}/v1/logs",protocol="json"{codex_headers}}}}}\''
        ),
        "Gemini CLI": (
            "GEMINI_TELEMETRY_ENABLED=true GEMINI_TELEMETRY_TARGET=local GEMINI_TELEMETRY_OTLP_PROTOCOL=http "
            f"GEMINI_TELEMETRY_OTLP_ENDPOINT={address} GEMINI_TELEMETRY_LOG_PROMPTS=false {headers}gemini"
        ),
        "OpenTelemetry SDK": f"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf {endpoint} {headers}PROGRAM",
    }
