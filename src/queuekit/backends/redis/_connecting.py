"""Why a connection could not be made, where trying again will not help. Pure."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Final

_FILES: Final = {errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EACCES}

_TLS: Final = {
    "NO_CERTIFICATE_OR_CRL_FOUND": "a file of ssl_ca_certs= or ssl_certfile= holds no certificate",
    "NO_START_LINE": "a file of ssl_ca_certs=, ssl_certfile= or ssl_keyfile= is no PEM file",
    "PEM_LIB": "a file of ssl_certfile= or ssl_keyfile= is no PEM file",
    "KEY_VALUES_MISMATCH": "the key of ssl_keyfile= does not belong to ssl_certfile=",
}
"""By the reason that OpenSSL gives."""


def hopeless(cause: BaseException, server: str) -> str:
    """Return why no connection to *server* will be made, and the way out; nothing if one may be."""
    for each in _chain(cause):
        kind, reason = type(each).__name__, str(getattr(each, "reason", ""))
        if kind == "SSLCertVerificationError":
            return _untrusted(each)
        if reason in _TLS:
            return f"TLS fails ({reason}): {_TLS[reason]}"
        is_file = getattr(each, "errno", None) in _FILES and not server.startswith("/")
        if isinstance(each, OSError) and is_file:  # a socket's own path may come to be
            return f"a file of ssl_ca_certs=, ssl_certfile= or ssl_keyfile= cannot be read ({each})"
    return ""


def _untrusted(exc: BaseException) -> str:
    why = str(getattr(exc, "verify_message", "")).rstrip(".") or "it is not valid"
    if "mismatch" in why or "not valid for" in why:
        return f"the server's certificate is for another host ({why}); use the name that it has"
    return (
        f"the server's certificate is not trusted ({why}); ssl_ca_certs= names the file of your"
        " own authority"
    )


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
