"""``python -m odqa`` is ``odqa``."""

from odqa.cli import main

main()
