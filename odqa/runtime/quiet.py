"""A block of code goes in; the bars, remarks and warnings of the model libraries in it stay off the terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the libraries say while they load, trace or save a model to themselves; errors are raised."""
    from transformers.utils import logging as of_transformers

    verbosity, bars = of_transformers.get_verbosity(), of_transformers.is_progress_bar_enabled()
    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()
    of_sentences = logging.getLogger("sentence_transformers")
    level = of_sentences.level
    of_sentences.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        of_sentences.setLevel(level)
        of_transformers.set_verbosity(verbosity)
        if bars:
            of_transformers.enable_progress_bar()
