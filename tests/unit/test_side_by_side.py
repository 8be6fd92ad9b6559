"""Work on several things at once: in order, bounded, and left at once when one fails or the run is stopped."""

from __future__ import annotations

import threading
import time

import pytest

from pipelines.side_by_side import side_by_side


def test_results_come_in_the_order_of_the_things_whatever_ends_first() -> None:
    turns = [threading.Event() for _ in range(5)]
    turns[4].set()

    def work(number: int) -> int:
        assert turns[number].wait(30)
        if number:
            turns[number - 1].set()
        return number * 10

    assert side_by_side(work, range(5), at_once=5) == [0, 10, 20, 30, 40]


def test_as_many_as_allowed_are_worked_on_at_once_and_no_more() -> None:
    together = threading.Barrier(3)
    lock, now, most = threading.Lock(), [0], [0]

    def work(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(30)
        with lock:
            now[0] -= 1

    assert side_by_side(work, range(6), at_once=3) == [None] * 6
    assert most == [3]


def test_one_thing_alone_is_worked_on_in_the_calling_thread() -> None:
    assert side_by_side(lambda _: threading.current_thread(), ["one"], at_once=8) == [threading.current_thread()]
    assert side_by_side(lambda thing: thing, [], at_once=8) == []


def test_the_first_error_is_raised_and_nothing_more_is_begun() -> None:
    begun: list[int] = []
    stop = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise ValueError("number 0")
        assert stop.wait(30)

    with pytest.raises(ValueError, match="number 0"):
        side_by_side(work, range(10), at_once=2, stop=stop)
    assert stop.is_set()
    assert set(begun) <= {0, 1, 2}


def test_an_interrupt_does_not_wait_for_a_thread_that_hangs() -> None:
    hanging = threading.Event()

    def work(_: int) -> None:
        hanging.wait(120)

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, range(4), at_once=4, on_tick=interrupt)
    assert time.monotonic() - began < 60
    hanging.set()
