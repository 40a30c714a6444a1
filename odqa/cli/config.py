"""``odqa config``: nothing in; every setting, its value and where that came from, out."""

from __future__ import annotations

import os
from enum import Enum

from odqa.cli.common import command
from odqa.cli.options import JsonOption
from odqa.cli.output import print_json
from odqa.cli.tables import print_table


@command
def config(json_output: JsonOption = False) -> None:
    """Show each setting, its value and where the value came from.

    A setting is what several commands share. The command line comes first, then a variable of the environment such as
    ODQA_INDEX, then the file odqa.toml of the folder that odqa is run in, then the default. A line of the file is
    like: index = "indexes/handbook". docs/settings.md explains all of them.

    Examples:

    odqa config

    ODQA_DEVICE=cpu odqa config --json

    """
    from odqa.settings import Settings, read_settings

    found = read_settings(os.environ)
    shown = {name: _plain(getattr(found.values, name)) for name in Settings.model_fields}
    if json_output:
        about = {name: field.description for name, field in Settings.model_fields.items()}
        print_json(
            {name: {"value": value, "from": found.origins[name], "about": about[name]} for name, value in shown.items()}
        )
        return
    rows = [[name, "not set" if value is None else str(value), found.origins[name]] for name, value in shown.items()]
    print_table([["setting", "value", "from"], *rows], left=3)


def _plain(value: object) -> str | float | None:
    """A value as JSON has it."""
    if value is None or isinstance(value, int | float):
        return value
    return str(value.value if isinstance(value, Enum) else value)
