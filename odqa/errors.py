"""The errors a user can cause. Each message says what was wrong, where, and what to do; knows nothing else."""

from __future__ import annotations


class OdqaError(Exception):
    """Something failed for a reason that the message explains. The command line exits with 1."""

    exit_code = 1


class UsageError(OdqaError):
    """The request itself makes no sense (an empty question, k of 0). The command line exits with 2."""

    exit_code = 2


class DataError(OdqaError):
    """A file's content is not what it should be; the message names the file and the place in it."""


class ModelError(OdqaError):
    """A model cannot be found or does not fit what it is asked to do."""


class IndexFolderError(OdqaError):
    """An index folder is missing, damaged, or made by something else."""
