"""The first Ctrl-C asks, the second one stops; afterwards signals do what they did. What is told, and how often."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from odqa.training.watch import WORTH_TELLING, interruptible, reading


def test_what_is_read_is_told_at_each_tenth_where_it_is_much():
    told: list[str] = []
    for few in (WORTH_TELLING - 1, 1000):
        read = reading(told.append, few, "evaluating")
        for _ in range(101):
            read(10)
    assert len(told) == 10
    assert told[0] == "evaluating: 100 windows of 1,000 questions are read"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request_and_the_second_one_stops(number):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt), interruptible() as requests:
        assert not requests
        os.kill(os.getpid(), number)
        assert requests
        os.kill(os.getpid(), number)
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


def test_without_a_signal_nothing_happens():
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as requests:
        assert signal.getsignal(signal.SIGINT) != before
    assert not requests
    assert signal.getsignal(signal.SIGINT) == before


def test_in_another_thread_signals_are_left_alone():
    seen: list[object] = []

    def work() -> None:
        with interruptible() as requests:
            seen.append((signal.getsignal(signal.SIGINT), list(requests)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(signal.getsignal(signal.SIGINT), [])]
