"""The small indexed dataset, opened, with its fit."""

from tests.evaluation.conftest import examples, fit, readings, retrievers

__all__ = ["examples", "fit", "readings", "retrievers"]
