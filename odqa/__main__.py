"""``odqa`` and ``python -m odqa``: the command line, with nothing to see where Ctrl-C is pressed while it loads."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # There is nothing yet to clean up, and nobody to tell it.
    from odqa.cli import main as run

    run()


if __name__ == "__main__":
    main()
