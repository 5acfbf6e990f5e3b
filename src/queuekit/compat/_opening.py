"""Where a compat queue's store is: the ways to say it exclude each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .._checks import refuse_type
from ..backends.redis.client import source_of_client, source_of_options
from ..backends.redis.source import ClusterSource, Source
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..backends.redis.client import Client


def check_ways(
    url: str | None, client: object, transport: object, options: Mapping[str, object]
) -> None:
    """Refuse two answers to where the store is."""
    given = [
        name
        for name, value in (("url", url), ("client", client), ("transport", transport))
        if value is not None
    ]
    if len(given) > 1 or (options and given and given != ["url"]):
        names = ", ".join(f"{name}=" for name in [*given, *options])
        raise ConfigurationError(f"{names} say twice where the store is: drop all but one")
    if url is not None and not isinstance(url, str):
        refuse_type("url= takes a text", url, "pass a ready client as client=")


def open_source(
    url: str | None, client: Client | None, args: Sequence[object], options: Mapping[str, object]
) -> Source | ClusterSource:
    """Return the one source of connections that the arguments of a compat queue mean."""
    if client is not None:
        return source_of_client(client, for_asyncio=False)
    return source_of_options(args, options, url)


def check_decode(value: object) -> bool | None:
    """Return what ``decode_responses=`` says: None where it says nothing."""
    if value is not None and not isinstance(value, bool):
        refuse_type("decode_responses is True or False", value, "leave it out for text")
    return value
