"""The files in deploy/ parse, and agree with one another and with odqa. Nothing here starts them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from odqa.cli import app

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PINNED = re.compile(r"[\w./-]+:(?!latest$)[\w.-]*\d[\w.-]*")


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def options(command: list[str]) -> dict[str, str]:
    """The options of a command line of odqa, checked to be of one that there is."""
    name, *rest = command
    known = {text for one in typer.main.get_command(app).commands[name].params for text in one.opts}
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    assert given.keys() <= known, f"{name} has no {given.keys() - known}"
    return given


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.yaml")), ids=lambda path: path.name)
def test_every_file_is_yaml_and_named_in_the_readme(path: Path) -> None:
    assert all(isinstance(one, dict) for one in documents(path.name))
    assert f"`{path.name}`" in (DEPLOY / "README.md").read_text(encoding="utf-8")


def test_the_readme_says_that_nothing_was_run() -> None:
    assert "None of this has been run" in (DEPLOY / "README.md").read_text(encoding="utf-8")


def test_services_are_pinned_watched_and_closed_to_the_network() -> None:
    (compose,) = documents("compose.yaml")
    services = compose["services"]
    for name, one in services.items():
        assert one["healthcheck"]["test"], name
        assert name == "odqa" or PINNED.fullmatch(one["image"]), f"{name} is not pinned"
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", ())), f"{name} is open"
        for other, how in one.get("depends_on", {}).items():
            assert other in services and how == {"condition": "service_healthy"}
        for volume in one.get("volumes", ()):
            assert volume.partition(":")[0] in compose["volumes"]


def test_what_is_started_is_a_command_of_odqa_that_asks_the_milvus_beside_it() -> None:
    (compose,) = documents("compose.yaml")
    deployment = documents("kubernetes.yaml")[0]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    for command in (compose["services"]["odqa"]["command"], container["args"]):
        given = options(command)
        assert given["--index"].startswith("milvus://milvus:19530/") and given["--host"] == "0.0.0.0"
    build = compose["services"]["odqa"]["build"]
    assert (DEPLOY / build["context"] / "Dockerfile").is_file()
    assert all(f"ARG {name}=" in (ROOT / "Dockerfile").read_text() for name in build["args"])


def test_kubernetes_sends_requests_to_the_pods_of_the_deployment() -> None:
    found = {one["kind"]: one for one in documents("kubernetes.yaml")}
    pod = found["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    (container,) = pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    asked = {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert asked | {port["targetPort"] for port in found["Service"]["spec"]["ports"]} == ports
    mounted = {one["name"] for one in container["volumeMounts"]}
    assert mounted == {one["name"] for one in pod["spec"]["volumes"]}


def test_milvus_has_one_version_everywhere() -> None:
    (compose,), (values,) = documents("compose.yaml"), documents("milvus-values.yaml")
    assert compose["services"]["milvus"]["image"] == f"milvusdb/milvus:{values['image']['all']['tag']}"
