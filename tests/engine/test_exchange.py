"""The exchange: what the workers of a slot and its trial actor tell each other; the object itself, without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from ablate.engine.exchange import Exchange

WORKERS = 3


async def train(exchange: Exchange, rank: int, *, epochs: int) -> list[str]:
    """A worker: trial after trial, each of some epochs; what became of each."""
    number, ends = 0, []
    while (found := await exchange.next_trial(number)) is not None:
        number, trial = found
        end = f"{trial['name']} ended"
        for epoch in range(1, epochs + 1):
            if not await exchange.report(epoch, {"epoch": epoch} if rank == 0 else None):
                end = f"{trial['name']} stopped at {epoch}"
                break
        ends.append(end)
        await exchange.end(rank, {})
    return ends


def with_workers(drive: Any, *, epochs: int = 3) -> list[list[str]]:
    """What became of each worker's trials while `drive` played the trial actor."""

    async def both() -> list[list[str]]:
        exchange = Exchange(WORKERS)
        workers = [asyncio.create_task(train(exchange, rank, epochs=epochs)) for rank in range(WORKERS)]
        await drive(exchange)
        await exchange.close()
        return await asyncio.gather(*workers)

    return asyncio.run(asyncio.wait_for(both(), timeout=10))


async def settled() -> None:
    """Let everything happen that can happen without the trial actor."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_every_report_comes_once_and_in_order_and_then_the_end() -> None:
    async def drive(exchange: Exchange) -> None:
        await exchange.start({"name": "a"})
        assert [await exchange.next() for _ in range(4)] == [
            *(("report", {"epoch": epoch}) for epoch in (1, 2, 3)),
            ("ended", {}),
        ]

    assert with_workers(drive) == [["a ended"]] * WORKERS


def test_workers_wait_for_the_answer_to_a_report_however_late_it_comes() -> None:
    """Ray's bridge hangs where a trial ends before its last report is taken; here it cannot end before."""

    async def drive(exchange: Exchange) -> None:
        await exchange.start({"name": "a"})
        await settled()
        assert exchange.messages.qsize() == 1 and not exchange.over
        for kind in ("report", "report", "report"):
            assert (await exchange.next()).kind == kind
            await settled()
            assert not exchange.over
        assert (await exchange.next()).kind == "ended"

    assert with_workers(drive) == [["a ended"]] * WORKERS


def test_all_workers_stop_at_the_same_report_and_take_the_next_trial() -> None:
    async def drive(exchange: Exchange) -> None:
        await exchange.start({"name": "a"})
        await exchange.next()
        await exchange.next()
        await exchange.stop()
        await exchange.start({"name": "b"})
        for _ in range(4):
            last = await exchange.next()
        assert last.kind == "ended"

    assert with_workers(drive) == [["a stopped at 2", "b ended"]] * WORKERS


def test_a_stop_in_the_middle_of_an_epoch_is_heard_at_its_report() -> None:
    async def drive(exchange: Exchange) -> None:
        await exchange.start({"name": "a"})
        await exchange.stop()
        assert len(exchange.over) == WORKERS

    assert with_workers(drive) == [["a stopped at 1"]] * WORKERS


def test_an_answer_that_was_given_holds_also_for_a_worker_that_asks_after_the_next_stop() -> None:
    async def drive() -> tuple[bool, bool]:
        exchange = Exchange(2)
        await exchange.start({})
        asked: Coroutine[Any, Any, bool] = exchange.report(1, {"epoch": 1})
        first = asyncio.create_task(asked)
        await exchange.next()
        second_message = asyncio.create_task(exchange.next())  # go on after the first report
        await settled()
        exchange.stopping = True
        late = await exchange.report(1, None)
        second_message.cancel()
        return await first, late

    assert asyncio.run(drive()) == (True, True)


def test_workers_that_idle_leave_when_there_will_be_no_more_trials() -> None:
    async def drive(exchange: Exchange) -> None:
        await settled()

    assert with_workers(drive) == [[]] * WORKERS


def test_a_failure_is_the_next_message() -> None:
    async def drive() -> tuple[str, dict[str, Any]]:
        exchange = Exchange(2)
        await exchange.start({})
        await exchange.fail({"failure": "out of memory"})
        return await exchange.next()

    assert asyncio.run(drive()) == ("failed", {"failure": "out of memory"})
