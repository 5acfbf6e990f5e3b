# unasync: source
"""Dedup keys: a push that is only stored if its key is new."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import ConfigurationError, Unsupported
from ...transport import AsyncTransport, Dedup, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .samples import (
    BAD_NAMES,
    BAD_SECONDS,
    BEYOND,
    LEASE,
    ODD_NAMES,
    OTHER,
    QUEUE,
    WITHIN,
    framed,
    inner,
    needs,
    placed,
    receipts,
)

KEYED = PushOptions(dedup=Dedup("k", LEASE))


class AsyncDedupSuite(AsyncSuite):
    """``PushOptions.dedup``."""

    @pytest.fixture
    def dedup(self, transport: AsyncTransport) -> AsyncTransport:
        """Return the transport if it keeps keys."""
        needs(transport.features.dedup, "dedup")
        return transport

    async def test_a_new_key_is_stored(self, dedup: AsyncTransport) -> None:
        assert None is await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert [b"a"] == inner(await claim_all(dedup))

    async def test_a_known_key_is_not_stored_and_names_its_first_push(
        self, harness: AsyncHarness
    ) -> None:
        transport, other = harness.make(), harness.make()
        needs(transport.features.dedup, "dedup")
        await transport.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert "one" == await transport.push(QUEUE, [b"b"], options=KEYED, token="two")
        assert "one" == await other.push(QUEUE, [b"c"], options=KEYED, token="three")
        assert "one" == await transport.push(QUEUE, [b"b"], options=KEYED, token="two")
        assert [b"a"] == await other.peek(QUEUE, limit=9)

    async def test_the_same_token_again_is_a_repeat(self, dedup: AsyncTransport) -> None:
        for _ in range(2):
            assert None is await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert [b"a"] == inner(await claim_all(dedup))

    async def test_a_repeat_is_one_also_when_its_window_has_ended(
        self, dedup: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(dedup.features.idempotent_push, "idempotent_push")
        await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        await harness.pass_time(BEYOND)
        assert None is await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert [b"a"] == await dedup.peek(QUEUE, limit=9)

    async def test_a_key_is_new_again_when_its_window_has_ended(
        self, dedup: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        await harness.pass_time(WITHIN)
        assert "one" == await dedup.push(QUEUE, [b"b"], options=KEYED, token="two")
        await harness.pass_time(BEYOND - WITHIN)  # from the first push, not from the second
        assert None is await dedup.push(QUEUE, [b"c"], options=KEYED, token="three")
        assert "three" == await dedup.push(QUEUE, [b"d"], options=KEYED, token="four")
        assert [b"a", b"c"] == await dedup.peek(QUEUE, limit=9)

    @pytest.mark.parametrize("end", ["ack", "pop", "purge", "reject"])
    async def test_a_key_is_kept_whatever_becomes_of_its_message(
        self, dedup: AsyncTransport, end: str
    ) -> None:
        await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        if end == "pop":
            await dedup.pop(QUEUE)
        elif end == "purge":
            await dedup.purge(QUEUE)
        else:
            held = receipts(await claim_all(dedup))
            if end == "ack":
                await dedup.ack(QUEUE, held)
            else:
                await dedup.move(QUEUE, [(held[0], b"letter")], to=OTHER)
        assert QueueStats(0, 0, 0) == await dedup.stats(QUEUE)
        assert "one" == await dedup.push(QUEUE, [b"a"], options=KEYED, token="two")

    async def test_a_key_belongs_to_its_queue(self, dedup: AsyncTransport) -> None:
        await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert None is await dedup.push(OTHER, [b"a"], options=KEYED, token="two")
        assert "two" == await dedup.push(OTHER, [b"a"], options=KEYED, token="three")

    async def test_keys_are_any_text(self, dedup: AsyncTransport) -> None:
        for again in (False, True):
            for n, key in enumerate(ODD_NAMES):
                options = PushOptions(dedup=Dedup(key, LEASE))
                answer = await dedup.push(QUEUE, [b"%d" % n], options=options, token=f"{n} {again}")
                assert answer == (f"{n} False" if again else None)
        assert QueueStats(len(ODD_NAMES), 0, 0) == await dedup.stats(QUEUE)

    async def test_a_push_without_a_key_is_never_known(self, dedup: AsyncTransport) -> None:
        await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert None is await dedup.push(QUEUE, [b"b"], token="two")
        assert [b"a", b"b"] == inner(await claim_all(dedup))

    async def test_with_a_delay(self, dedup: AsyncTransport, harness: AsyncHarness) -> None:
        needs(dedup.features.max_delay is None, "delays of any length")
        late = framed(b"a")
        options = PushOptions(delay=LEASE, dedup=Dedup("k", 3 * LEASE))
        assert None is await dedup.push(QUEUE, late, options=options, token="one")
        assert "one" == await dedup.push(QUEUE, framed(b"b"), options=options, token="two")
        assert None is await dedup.push(QUEUE, late, options=options, token="one")
        assert QueueStats(0, 1, 0) == await dedup.stats(QUEUE)
        await harness.pass_time(BEYOND)
        assert [b"a"] == inner(await claim_all(dedup))
        assert "one" == await dedup.push(QUEUE, framed(b"c"), options=options, token="three")

    async def test_with_a_place(self, dedup: AsyncTransport) -> None:
        needs(dedup.features.groups and dedup.features.priorities, "groups and priorities")
        options = PushOptions(placed=True, dedup=Dedup("k", LEASE))
        await dedup.push(QUEUE, [placed(b"a", group="g")], options=options, token="one")
        high = placed(b"b", level=3, group="h")
        assert "one" == await dedup.push(QUEUE, [high], options=options, token="two")
        options = PushOptions(placed=True, dedup=Dedup("other", LEASE))
        assert None is await dedup.push(QUEUE, [high], options=options, token="three")
        assert [b"b", b"a"] == inner(await claim_all(dedup))

    async def test_a_key_belongs_to_one_body_and_a_token(self, dedup: AsyncTransport) -> None:
        with pytest.raises(ConfigurationError):
            await dedup.push(QUEUE, [b"a", b"b"], options=KEYED, token="one")
        with pytest.raises(ConfigurationError):
            await dedup.push(QUEUE, [b"a"], options=KEYED)
        assert QueueStats(0, 0, 0) == await dedup.stats(QUEUE)
        assert None is await dedup.push(QUEUE, [b"a"], options=KEYED, token="one")

    @pytest.mark.parametrize("window", [0, 0.0, *BAD_SECONDS], ids=ascii)
    async def test_a_window_that_cannot_be_is_refused(
        self, dedup: AsyncTransport, window: Any
    ) -> None:
        with pytest.raises(ConfigurationError):
            await dedup.push(
                QUEUE, [b"a"], options=PushOptions(dedup=Dedup("k", window)), token="1"
            )
        assert QueueStats(0, 0, 0) == await dedup.stats(QUEUE)

    @pytest.mark.parametrize("key", BAD_NAMES, ids=ascii)
    async def test_a_key_that_cannot_be_is_refused(self, dedup: AsyncTransport, key: Any) -> None:
        with pytest.raises(ConfigurationError):
            await dedup.push(QUEUE, [b"a"], options=PushOptions(dedup=Dedup(key, LEASE)), token="1")
        assert QueueStats(0, 0, 0) == await dedup.stats(QUEUE)

    async def test_what_is_not_declared_is_refused(self, transport: AsyncTransport) -> None:
        features = transport.features
        refused = [
            option
            for option, declared in (
                (PushOptions(placed=True), features.priorities or features.groups),
                (KEYED, features.dedup),
                (PushOptions(max_length=9), features.bounds),
            )
            if not declared
        ]
        for option in refused:
            with pytest.raises(Unsupported):
                await transport.push(QUEUE, [b"a"], options=option, token="one")
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)
