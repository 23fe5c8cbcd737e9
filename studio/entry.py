"""Where the `holdspace` command begins: makes sure that `agents` is ours before anything is imported from it.

`openai-agents` installs a top-level package of the same name; in one environment one of the two hides the other.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

CLASH = (
    "holdspace: another package called `agents` (openai-agents, most likely) hides holdspace's own. "
    "Install holdspace in an environment of its own: python -m venv .venv && .venv/bin/pip install holdspace.\n"
)


def main() -> None:
    """Run the command line, or say in one sentence why it can't run here."""
    if find_spec("agents.rehearsal") is None:
        sys.stderr.write(CLASH)
        sys.exit(2)
    from studio.cli import main as run

    run()


if __name__ == "__main__":
    main()
