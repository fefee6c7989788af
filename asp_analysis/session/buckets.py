"""Opens a DuckDB that reads a bucket of S3, with the credentials that Amazon's own programs would find.

They come from the environment, a profile or the machine's role, and are kept in a secret of DuckDB, never in a text
that a query or an error could show. AWS_ENDPOINT_URL names another server that speaks as S3 does; without encryption it
is used only where AWS_ALLOW_HTTP allows that, as by all other parts of the workbench.
"""

import os
from urllib.parse import urlsplit

import duckdb

from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.session.attaching import open_extended
from asp_analysis.session.guard import said
from asp_analysis.sql import quoted

_OF_S3 = ("httpfs", "aws")
_SETTINGS_WITH_CREDENTIALS = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
"""httpfs copies the environment into these when it is loaded."""

_MEANS_YES = ("1", "true", "yes", "on")


def open_bucket(url: StoreUrl) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB that may read what the credentials of this process may read.

    Raises:
        StoreError: an extension is not installed, no credentials were found, or the server must not be used.
    """
    connection = open_extended(_OF_S3, url)
    try:
        connection.execute(f"CREATE TEMPORARY SECRET asp_bucket ({', '.join(_describe_access())})")
        for name in _SETTINGS_WITH_CREDENTIALS:
            connection.execute(f"SET {name} = ''")
        connection.execute("SET enable_http_metadata_cache = true")
    except duckdb.Error as error:
        connection.close()
        raise StoreError(
            f"No credentials for {url.shown} were found: {said(error)}. Set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, in the environment."
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _describe_access() -> list[str]:
    """Return the parts of the secret; a bucket that everybody may read needs none where AWS_SKIP_SIGNATURE is set."""
    is_public = _is_set("AWS_SKIP_SIGNATURE")
    parts = ["TYPE s3", "PROVIDER config" if is_public else "PROVIDER credential_chain"]
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        parts.append(f"REGION {quoted(region)}")
    if endpoint := os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
        parts += _describe_endpoint(endpoint)
    return parts


def _describe_endpoint(endpoint: str) -> list[str]:
    found = urlsplit(endpoint)
    if found.scheme not in ("http", "https") or not found.netloc or "@" in found.netloc:
        raise StoreError("AWS_ENDPOINT_URL is not the address of a server. Write https://host:port.")
    is_plain = found.scheme == "http"
    if is_plain and not _is_set("AWS_ALLOW_HTTP"):
        raise StoreError(
            f"AWS_ENDPOINT_URL names {found.netloc} without encryption. Use https, or allow it: AWS_ALLOW_HTTP=true."
        )
    return [f"ENDPOINT {quoted(found.netloc)}", f"USE_SSL {'false' if is_plain else 'true'}", "URL_STYLE 'path'"]


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in _MEANS_YES
