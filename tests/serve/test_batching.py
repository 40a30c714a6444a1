"""Which requests are worked off together, and what becomes of those that cannot wait. No test waits for a clock."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from odqa.serve.batching import Batcher, Busy

LONG = 3600.0  # Seconds that no test waits: what is worked off before is so for another reason.
MOST = 60  # Seconds after which a test that hangs fails.


class Work:
    """Notes what is worked off together; where it is held, a batch does not end before it is let go."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def __call__(self, key: str, items: list[int]) -> list[int]:
        self.calls.append((key, items))
        self.begun.set()
        assert self.go_on.wait(MOST)
        if -1 in items:
            raise ValueError("no such item")
        if -2 in items:
            raise BaseException("panic")
        return [item * 10 for item in items]

    def hold(self) -> None:
        self.go_on.clear()


def results(futures: list[Future[int]]) -> list[int]:
    return [future.result(MOST) for future in futures]


@pytest.fixture
def work() -> Work:
    return Work()


def batcher(work: Work, **options: Any) -> Batcher[str, int, int]:
    return Batcher(work, **{"wait": LONG} | options)


def test_a_full_batch_begins_at_once_and_is_worked_off_together(work: Work) -> None:
    sizes: list[int] = []
    some = batcher(work, size=3, seen=sizes.append)
    some.start()
    futures = [some.submit("a", [number])[0] for number in (1, 2, 3)]
    assert results(futures) == [10, 20, 30]
    assert (work.calls, sizes) == ([("a", [1, 2, 3])], [3])
    some.stop()


def test_what_is_asked_alike_is_one_call(work: Work) -> None:
    sizes: list[int] = []
    some = batcher(work, size=5, seen=sizes.append)
    futures = [some.submit(key, [number])[0] for key, number in (("a", 1), ("b", 2), ("a", 3), ("b", 4), ("c", 5))]
    some.start()
    assert results(futures) == [10, 20, 30, 40, 50]
    assert work.calls == [("a", [1, 3]), ("b", [2, 4]), ("c", [5])]
    assert sizes == [2, 2, 1]
    some.stop()


def test_a_batch_begins_when_its_first_request_has_waited_long_enough(work: Work) -> None:
    times = iter([0.0])
    some = batcher(work, size=100, wait=5.0, clock=lambda: next(times, 5.0))
    (future,) = some.submit("a", [1])
    some.start()
    assert results([future]) == [10]
    some.stop()


def test_while_a_batch_is_at_work_the_next_one_gathers(work: Work) -> None:
    work.hold()
    some = batcher(work, size=8, wait=0.0)
    some.start()
    first = some.submit("a", [1])
    assert work.begun.wait(MOST)
    others = [some.submit("a", [number])[0] for number in (2, 3, 4)]
    work.go_on.set()
    assert results([*first, *others]) == [10, 20, 30, 40]
    assert work.calls == [("a", [1]), ("a", [2, 3, 4])]
    some.stop()


def test_beyond_its_room_nothing_is_taken(work: Work) -> None:
    some = batcher(work, size=100, room=3)
    some.submit("a", [1, 2])
    with pytest.raises(Busy, match="no more than 3") as told:
        some.submit("a", [3, 4])
    assert told.value.retry_after >= 1
    assert len(some) == 2
    some.submit("a", [3])


def test_what_nobody_waits_for_is_not_begun_and_makes_room(work: Work) -> None:
    some = batcher(work, size=2, room=2)
    gone, kept = some.submit("a", [1, 2])
    assert gone.cancel()
    assert len(some) == 1
    (third,) = some.submit("a", [3])
    some.start()
    assert results([kept, third]) == [20, 30]
    assert work.calls == [("a", [2, 3])]
    with pytest.raises(CancelledError):
        gone.result(0)
    some.stop()


def test_a_batch_of_nobody_is_no_batch(work: Work) -> None:
    some = batcher(work, size=2)
    for future in some.submit("a", [1, 2]):
        future.cancel()
    some.start()
    futures = some.submit("a", [3, 4])
    assert results(futures) == [30, 40]
    assert work.calls == [("a", [3, 4])]
    some.stop()


def test_one_that_fails_takes_no_other_with_it(work: Work) -> None:
    some = batcher(work, size=3)
    some.start()
    right, wrong, other = some.submit("a", [1, -1, 3])
    assert results([right, other]) == [10, 30]
    with pytest.raises(ValueError, match="no such item"):
        wrong.result(MOST)
    assert work.calls == [("a", [1, -1, 3]), ("a", [1]), ("a", [-1]), ("a", [3])]
    some.stop()


def test_a_panic_does_not_end_the_thread(work: Work) -> None:
    some = batcher(work, size=1)
    some.start()
    with pytest.raises(RuntimeError, match="BaseException: panic"):
        some.submit("a", [-2])[0].result(MOST)
    assert results(some.submit("a", [1])) == [10]
    some.stop()


def test_who_goes_away_while_others_of_the_batch_are_worked_on_is_left_out(work: Work) -> None:
    work.hold()
    some = batcher(work, size=3)
    some.start()
    (first,), (gone,), (third,) = some.submit("a", [1]), some.submit("b", [2]), some.submit("c", [3])
    assert work.begun.wait(MOST)
    assert gone.cancel()
    work.go_on.set()
    assert results([first, third]) == [10, 30]
    assert work.calls == [("a", [1]), ("c", [3])]
    some.stop()


def test_work_that_gives_too_few_results_fails_and_does_not_hang() -> None:
    some: Batcher[str, int, int] = Batcher(lambda key, items: [], size=1)
    some.start()
    with pytest.raises(ValueError):
        some.submit("a", [1])[0].result(MOST)
    some.stop()


def test_stopping_finishes_what_was_taken_and_takes_nothing_more(work: Work) -> None:
    work.hold()
    some = batcher(work, size=1)
    some.start()
    begun = some.submit("a", [1])
    assert work.begun.wait(MOST)
    waiting = some.submit("a", [2, 3])
    stopping = threading.Thread(target=some.stop)
    stopping.start()
    assert some.stopping.wait(MOST)
    with pytest.raises(Busy, match="stopping"):
        some.submit("a", [4])
    work.go_on.set()
    stopping.join(MOST)
    assert not stopping.is_alive()
    assert results([*begun, *waiting]) == [10, 20, 30]


def test_stopping_what_was_never_started() -> None:
    batcher(Work()).stop()
