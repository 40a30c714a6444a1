"""The name of a model and its hash go in; nothing comes out, unless this node has another model of that name."""

from __future__ import annotations

from odqa.errors import ModelError
from odqa.models import content_hash, resolve


def check_same(kind: str, name: str, expected: str) -> None:
    """Raise ModelError where the model called ``name``, a ``kind`` of thing, is none or another one on this node.

    ``expected`` is its :func:`odqa.models.content_hash` where the work was given out. Loads nothing.
    """
    if content_hash(resolve(name).folder) != expected:
        raise differs(kind, name)


def differs(kind: str, name: str) -> ModelError:
    """What to say of a model that is another one on this node."""
    return ModelError(
        f"the {kind} {name} is another one on the node {node()} of the Ray cluster; give all nodes the same files of it"
    )


def node() -> str:
    """The address of the node that this runs on."""
    from ray.util import get_node_ip_address

    return str(get_node_ip_address())
