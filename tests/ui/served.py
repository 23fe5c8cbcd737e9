"""A real `holdspace studio` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-c", "from studio.cli import main\nmain()", "studio", "--no-browser", "--port", "0", "--annotator", "ann"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")} | {"PYTHONPATH": str(HERE)}


class Served:
    """A running server."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], env=ENVIRONMENT, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        if found is None:
            raise AssertionError(self.process.communicate(timeout=10)[1])
        self.url = found.group(0)

    def end(self, how: int = signal.SIGINT) -> str:
        """Stop it; what it wrote to stderr."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.communicate(timeout=20)[1]
