"""Devices and precisions by name, and what is said where they are not there."""

from __future__ import annotations

import pytest
import torch

from odqa.device import check_device, has_bfloat16, pick_device, pick_dtype
from odqa.errors import UsageError

WITHOUT_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def test_auto_is_a_device_that_computes():
    assert torch.ones(2, device=pick_device("auto")).sum().item() == 2


@WITHOUT_GPU
def test_no_cuda_device_names_the_remedy():
    with pytest.raises(UsageError, match=r"no CUDA device .*--device cpu or auto"):
        pick_device("cuda:0")


@pytest.mark.parametrize("name", ["meta", "xla", "hpu"])
def test_a_device_on_which_nothing_is_computed_is_told(name):
    with pytest.raises(UsageError, match=rf"on '{name}' here; use --device cpu or auto"):
        pick_device(name)


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is an mps device")
def test_no_mps_device_is_told():
    with pytest.raises(UsageError, match=r"on 'mps' here"):
        pick_device("mps")


def test_the_name_of_a_device_is_checked_without_torch():
    assert [check_device(name) for name in ("CPU", "cuda:1", "Auto")] == ["cpu", "cuda:1", "auto"]
    for name in ("cuda:x", "cuda:", "cpu:-1"):
        with pytest.raises(UsageError, match="after the colon is its number"):
            check_device(name)


@pytest.mark.parametrize("name", ["gpu", ""])
def test_an_unknown_device_names_the_known_ones(name):
    with pytest.raises(UsageError, match=r"no such device: .*auto, cpu or cuda"):
        pick_device(name)


def test_dtypes_by_name():
    assert pick_dtype("float32", "cpu") is torch.float32
    assert pick_dtype("bfloat16", "cpu") is torch.bfloat16
    assert pick_dtype("float16", "cuda") is torch.float16


def test_auto_is_bfloat16_only_where_the_hardware_has_it():
    assert pick_dtype("auto", "cpu") is (torch.bfloat16 if has_bfloat16("cpu") else torch.float32)
    assert pick_dtype("auto", "meta") is torch.float32


def test_an_unknown_dtype_names_the_known_ones():
    with pytest.raises(UsageError, match=r"no such dtype: 'int8' .*auto, float32, bfloat16, float16"):
        pick_dtype("int8", "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_auto_takes_the_gpu():
    assert pick_device("auto").type == "cuda"
