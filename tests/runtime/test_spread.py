"""Work spread over threads comes back in order, and the same as without them."""

from __future__ import annotations

import threading

import pytest
import torch

from odqa.runtime.spread import spread


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(spread(lambda item: item * item, range(50))) == [item * item for item in range(50)]


def test_each_worker_has_its_share_of_the_threads() -> None:
    found = list(spread(lambda _: (torch.get_num_threads(), threading.current_thread().name), range(20)))
    assert {threads for threads, _ in found} == {1}
    assert threading.current_thread().name not in {name for _, name in found}
    assert torch.get_num_threads() == 2


def test_a_single_item_is_computed_with_all_threads() -> None:
    assert list(spread(lambda _: (torch.get_num_threads(), threading.current_thread().name), [0])) == [
        (2, threading.current_thread().name)
    ]


def test_an_error_reaches_the_caller_and_closing_drops_what_nobody_began() -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(lambda item: 1 // item, [1, 1, 0, 1]))
    begun: list[int] = []
    results = spread(lambda item: begun.append(item), range(10_000))
    next(results)
    results.close()
    assert len(begun) < 10_000


def test_threads_that_come_later_have_all_of_torchs_threads() -> None:
    list(spread(abs, range(8)))
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [2]
