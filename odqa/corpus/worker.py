"""An open file -> its Documents, read by another process, so that no parser can end or stall this one.

There is one such process, started with the first file that needs it and again after one that ended it. It is a plain
Python of its own, not a fork and not one of multiprocessing's: those run the user's script again or copy our threads.
It gets each file open, as a descriptor, and so needs no right of its own to any path. What it says is JSON, not pickle:
a parser that a file took over could otherwise run code here.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from odqa.corpus.base import OpenFile, Unusable
from odqa.corpus.worker_process import HEADER, OUT_OF_MEMORY, request_of, results_of
from odqa.errors import DataError
from odqa.types import Document

AVAILABLE = hasattr(socket, "send_fds")  # On Windows it is not.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches this process too; the one that asks decides.
import json
sys.path[:] = json.loads(sys.argv[2])
from odqa.corpus.worker_process import serve
serve(int(sys.argv[1]))
"""
PATIENCE = 5  # Seconds for a process to end that has nothing more to do.


class _Died(Exception):
    """The process ended before it gave an answer. Its argument is the exit code, negative for a signal."""


class _Worker:
    """The process, and the socket to it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.files = 0
        self._socket, theirs = socket.socketpair()
        with theirs:
            path = [entry for entry in sys.path if entry]  # "" would be wherever this process is by then.
            package = str(Path(__file__).parents[2])
            command = [sys.executable, "-P", "-c", PROGRAM, str(theirs.fileno()), json.dumps([*path, package])]
            nothing = subprocess.DEVNULL
            try:
                self._process = subprocess.Popen(
                    command, stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=(theirs.fileno(),)
                )
            except BaseException:
                self._socket.close()
                raise
        self._replies = self._socket.makefile("rb")

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def read(self, file: OpenFile) -> list[Document | Unusable]:
        self.files += 1
        reply = b""
        with suppress(BrokenPipeError, ConnectionResetError, ValueError, TypeError, RecursionError):
            socket.send_fds(self._socket, [request_of(file)], [file.stream.fileno()])
            size = int.from_bytes(self._replies.read(HEADER), "big")
            reply = self._replies.read(min(size, file.limits.memory))
            if size and len(reply) == size:
                return results_of(reply)
        try:
            raise _Died(self._process.wait(PATIENCE))
        except subprocess.TimeoutExpired:
            raise _Died(1) from None

    def close(self) -> None:
        self.forget()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self.kill()

    def kill(self) -> None:
        self.forget()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        self._replies.close()
        self._socket.close()


_lock = threading.Lock()
_worker: _Worker | None = None


def read_apart(file: OpenFile) -> list[Document | Unusable]:
    """What the other process reads from a file. Raises DataError where that process ends over it, and OSError."""
    with _lock:
        while True:
            worker = _running()
            try:
                return worker.read(file)
            except _Died as error:
                _end()
                if worker.files > 1 and error.args[0] != -signal.SIGALRM:
                    continue  # Files before it may have left little memory: this one gets a fresh process.
                raise _reason(file, error.args[0]) from None
            except BaseException:  # Ctrl-C: the answer, still to come, must not be taken for that to the next file.
                _end()
                raise


def _running() -> _Worker:
    global _worker
    if _worker and _worker.ended:
        _end()
    if _worker is None:
        _worker = _Worker()
    return _worker


def _end() -> None:
    global _worker
    worker, _worker = _worker, None
    if worker:
        worker.kill()


def _reason(file: OpenFile, code: int) -> DataError:
    memory = f"needs more than {file.limits.memory // 1_000_000:,} MB of memory: split it, or allow more with "
    if code == OUT_OF_MEMORY:
        return DataError(f"{memory}--max-file-size")
    if code == -signal.SIGALRM:
        return file.limits.too_long()
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return DataError(f"its parser crashed ({name}): save it again from the program that made it, or as another kind")


@atexit.register
def _close() -> None:
    """End the process with this one."""
    global _worker
    worker, _worker = _worker, None
    if worker:
        worker.close()


def _forget() -> None:
    """In a fork of this process: the worker, and a lock that another thread may hold, are the parent's."""
    global _lock, _worker
    worker, _lock, _worker = _worker, threading.Lock(), None
    if worker:
        worker.forget()
        worker._process.returncode = 0  # Not ours to wait for.


if AVAILABLE:
    os.register_at_fork(after_in_child=_forget)
