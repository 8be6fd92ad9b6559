"""The same work on several things at once, in threads that a stopped run does not wait for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")
# How often the waiting thread looks up: an interrupt reaches it, and it can tell how things stand.
TICK_SECONDS = 1.0
# How long threads are given to end when one has failed; what they still do is safe to be cut short.
_GRACE_SECONDS = 2.0


def side_by_side(
    work: Callable[[S], T],
    things: Sequence[S],
    *,
    at_once: int,
    stop: threading.Event | None = None,
    on_tick: Callable[[int], None] = lambda _: None,
) -> list[T]:
    """Do the work on each thing, at most so many at once; returns the results in the order of the things.

    What an executor of the standard library cannot: its threads keep an interrupted process alive until each
    has ended its work, here for as long as a server may be silent. These are left behind.

    stop: set when nothing more is to be begun, so that work that sleeps can look at it. on_tick is told at least
    once a second, in the calling thread, how many are done. The first exception of any of them is raised, after no more
    are begun. One thing alone is worked on in the calling thread.
    """
    if len(things) <= 1 or at_once <= 1:
        return [work(thing) for thing in things]
    stop = stop or threading.Event()
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[int, T | None, BaseException | None]] = queue.SimpleQueue()
    for position in range(len(things)):
        waiting.put(position)

    def go_on() -> None:
        while not stop.is_set():
            try:
                position = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                ended.put((position, work(things[position]), None))
            except BaseException as error:
                ended.put((position, None, error))

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(min(at_once, len(things)))]
    for thread in threads:
        thread.start()
    results: dict[int, T] = {}
    try:
        while len(results) < len(things):
            on_tick(len(results))
            try:
                position, result, error = ended.get(timeout=TICK_SECONDS)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            results[position] = result  # type: ignore[assignment]
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=_GRACE_SECONDS / len(threads))
    return [results[position] for position in range(len(things))]
