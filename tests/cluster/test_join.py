"""What is wrong with the address of a cluster, or with its nodes, is said before any work."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cluster import join
from odqa.cluster.join import Cluster, check_version, joined, teller
from odqa.errors import OdqaError, UsageError
from odqa.index.build import build_index
from odqa.version import __version__
from tests.cli.conftest import snapshot
from tests.cli.started import Started
from tests.cluster.conftest import ROOT
from tests.tiny.asked import Asked


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "moon.txt").write_text("The moon orbits the earth in days.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of something that is no Ray cluster."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def index(address: str, encoder: Path) -> Any:
    return CliRunner().invoke(app, ["index", "docs", "--index", "new", "--encoder", str(encoder), "--ray", address])


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("", 2, ["no address", "host:port"]),
        ("nonsense", 2, ["'nonsense'", "host:port", "auto", "local"]),
        ("127.0.0.1:66666", 2, ["66666", "host:port"]),
        ("ray://head:10001", 2, ["ray://head:10001", "node of the cluster"]),
        ("127.0.0.1:1", 1, ["127.0.0.1:1", "ray start"]),
        ("no-such-host.invalid:6379", 1, ["no-such-host.invalid", "ray start"]),
        ("10.0..1:6379", 1, ["10.0..1:6379", "no name", "ray start"]),
    ],
)
def test_an_address_without_a_cluster_is_refused(
    address: str, code: int, words: list[str], docs: Path, tiny_encoder: Path
) -> None:
    result = index(address, tiny_encoder)
    assert result.exit_code == code
    assert all(word in result.stderr for word in words) and result.stderr.count("\n") == 1
    assert not Path("new").exists()


def test_another_server_is_not_taken_for_a_cluster(web_server: str, docs: Path, tiny_encoder: Path) -> None:
    result = index(web_server, tiny_encoder)
    assert result.exit_code == 1 and web_server in result.stderr and "something else" in result.stderr


def test_many_questions_are_what_a_cluster_is_for() -> None:
    result = CliRunner().invoke(app, ["ask", "Who?", "--ray", "local"])
    assert result.exit_code == 2 and "--questions" in result.stderr
    result = CliRunner().invoke(app, ["ask", "--questions", "-", "--url", "http://127.0.0.1:1", "--ray", "local"])
    assert result.exit_code == 2 and "--url" not in result.stdout and "--ray" in result.stderr


def test_without_the_option_ray_is_not_imported(program: Started, docs: Path, tiny_encoder: Path, asked: Asked) -> None:
    for command in (
        ["index", "docs", "--encoder", tiny_encoder, "--index", "new"],
        ["ask", "who built the tower", "--index", asked.index, "--reader", asked.reader],
    ):
        done = program.run(*map(str, command), cwd=docs)
        assert done.returncode == 0, done.stderr
        assert "odqa.cluster.join" in done.modules and "ray" not in done.modules


def test_workers_are_one_a_core_or_one_a_gpu_spread_over_the_nodes() -> None:
    cluster = Cluster(cores={"a": 3, "b": 1}, gpus={"b": 2})
    assert cluster.places("cpu") == ["a", "b", "a", "a"]
    assert cluster.places("cuda") == ["b", "b"]
    assert [cluster.device(name) for name in ("auto", "cpu", "cuda:1")] == ["cuda", "cpu", "cuda"]
    without = Cluster(cores={"a": 1}, gpus={})
    assert without.device("auto") == "cpu"
    with pytest.raises(UsageError, match=r"cuda.*--device"):
        without.device("cuda")


def test_what_a_node_lacks_is_said_with_the_remedy() -> None:
    with pytest.raises(OdqaError, match=r"10\.0\.0\.2.* no odqa.*pip install"):
        check_version("10.0.0.2", "")


def test_a_node_without_odqa_can_say_so() -> None:
    cloudpickle = pytest.importorskip("ray.cloudpickle", reason='Ray is not installed: pip install "odqa[ray]"')
    program = (
        "import sys\nfrom tests.without import finders\nsys.meta_path[:] = finders(('odqa',))\n"
        f"import pickle\nprint(repr(pickle.loads({cloudpickle.dumps(teller())!r})()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.stdout == "''\n", done.stderr
    assert teller()() == __version__


@pytest.mark.ray
@pytest.mark.timeout(600)
def test_nodes_with_another_version_are_refused(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(join, "__version__", "99.0")
        with pytest.raises(OdqaError, match=r"and this is 99\.0.*pip install odqa==99\.0"), joined("auto"):
            pass
    with joined("auto") as found:
        assert sum(found.cores.values()) == 2 and not found.gpus


@pytest.mark.ray
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to a process")
def test_an_interrupted_run_on_a_cluster_of_its_own_leaves_the_index_as_it_was(docs: Path, tiny_encoder: Path) -> None:
    pytest.importorskip("ray", reason='Ray is not installed: pip install "odqa[ray]"')
    build_index(["docs"], "index", encoder=tiny_encoder, device="cpu")
    before = snapshot(docs / "index")
    for number in range(200):  # More than is encoded before the signal comes.
        (docs / "docs" / f"{number}.txt").write_text(f"Number {number}. " + "The moon orbits the earth. " * 500)
    command = ["index", "docs", "--encoder", str(tiny_encoder), "--index", "index", "--ray", "local"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-m", "odqa", *command], env=environment, stderr=subprocess.PIPE) as process:
        try:
            while process.poll() is None and not Path("index/segments/000002").exists():
                time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=200)
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert b"nothing that was on disk is lost" in said
    assert snapshot(docs / "index") == before
