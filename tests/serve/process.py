"""A server in a process of its own, started as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Server:
    """A server that runs: its address, its process, and what it has said."""

    url: str
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)


@contextmanager
def serving(*arguments: object, **environment: str) -> Iterator[Server]:
    """``odqa serve`` with these arguments; in the end it is stopped as systems do it, unless it was killed."""
    command = [sys.executable, "-m", "odqa", "serve", "--device", "cpu", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | environment) as process:
        assert process.stderr is not None
        said: list[str] = []
        url = None
        for line in process.stderr:
            said.append(line)
            if url := re.search(r"http://\S+?(?=;)", line):
                break
        assert url, said
        server = Server(url[0], process, said)
        reading = threading.Thread(target=lambda: said.extend(process.stderr or ()))
        reading.start()
        try:
            yield server
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
            reading.join()
        assert process.returncode in (0, -signal.SIGKILL), said
        assert "Traceback" not in "".join(said), said
