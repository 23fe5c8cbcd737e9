"""The terminal face of the stepping debugger: a prompt, a line, an answer.  Good over SSH: nothing full-screen, no mouse.

    holdspace studio RUN 173 --turn 4 --terminal

Ctrl-C halts what runs, Ctrl-D leaves; everything is on the disk after each step.  The words are in `terminal_commands.py`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from agents.errors import HoldspaceError
from graphs.session import Session
from graphs.sessions import Sessions
from studio.opening import Target, backends_of, open_session
from studio.terminal_base import Leave
from studio.terminal_commands import Commands
from studio.terminal_words import completions

HISTORY = ".terminal_history"
_REPEATED = frozenset({"step", "continue", "turn"})


def run_terminal(target: Target, annotator: str) -> int:
    """Talk to a person until they leave; the exit code.

    Args:
        target: what to open.
        annotator: in whose name pairs are marked.

    Raises:
        InputError: what was asked for is not there.
    """
    recipe = target.recipe()
    console = Console()
    with backends_of(target, recipe) as backends, asyncio.Runner() as runner:
        runner.get_loop()
        sessions = Sessions(target.run, backends)
        try:
            session = runner.run(_opened(sessions, target, console))
            commands = Commands(sessions, session, console, annotator)
            _greet(console, session)
            _Prompt(runner, commands, console, target.run).loop()
        finally:
            runner.run(sessions.close())
    return 0


async def _opened(sessions: Sessions, target: Target, console: Console) -> Session:
    with console.status("Opening the session ..."):
        return await open_session(sessions, target, target.recipe())


def _greet(console: Console, session: Session) -> None:
    head = session.head()
    console.print(
        Text(f"Session {session.name}, branch {session.current.name}, turn {head.coming}, next {head.next or 'nothing'}.", style="bold")
    )
    console.print("Enter steps. c continues, t goes to the next turn, help tells the rest, quit leaves (everything is kept).", style="dim")


class _Prompt:
    """Reads lines and has them done; remembers them between visits."""

    def __init__(self, runner: asyncio.Runner, commands: Commands, console: Console, run: Path) -> None:
        self._runner = runner
        self._commands = commands
        self._console = console
        self._file = run / "sessions" / HISTORY
        self._last = "step"

    def loop(self) -> None:
        """Until the person leaves."""
        readline = self._prepared()
        try:
            while True:
                try:
                    line = self._read()
                except EOFError:
                    self._console.print()
                    return
                except KeyboardInterrupt:
                    self._console.print()
                    continue
                if not self._do(line):
                    return
        finally:
            if readline is not None:
                try:
                    readline.write_history_file(self._file)
                except OSError as error:
                    self._console.print(f"The history could not be kept: {error.strerror}.", style="dim")

    def _read(self) -> str:
        prompt = self._commands.prompt()
        line = input(prompt)
        if not sys.stdin.isatty():
            self._console.print(Text(line))  # so that a transcript of a script reads like one of a person
        return line.strip() or self._last

    def _do(self, line: str) -> bool:
        """Do one line; False when the person leaves."""
        try:
            self._runner.run(self._listening(line))
        except Leave:
            return False
        except HoldspaceError as error:
            self._console.print(Text(str(error), style="red"))
        else:
            word = self._commands.word(line)
            self._last = word if word in _REPEATED else self._last
        return True

    async def _listening(self, line: str) -> None:
        """Do a line; Ctrl-C halts the session and leaves the program alone."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._commands.halt)
        try:
            await self._commands.do(line)
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _prepared(self) -> Any:
        """readline with history and completion, where there is a terminal."""
        if not sys.stdin.isatty():
            return None
        try:
            import readline
        except ImportError:
            return None
        try:
            readline.read_history_file(self._file)
        except OSError:
            readline.clear_history()
        readline.set_history_length(1000)
        readline.set_completer_delims(" ")
        readline.set_completer(self._complete)
        readline.parse_and_bind("bind ^I rl_complete" if "libedit" in (readline.__doc__ or "") else "tab: complete")
        return readline

    def _complete(self, begun: str, state: int) -> str | None:
        import readline

        words = readline.get_line_buffer()[: readline.get_begidx()].split()
        words[:1] = [self._commands.word(words[0])] if words else []
        options = completions(words, begun, self._commands.known())
        return options[state] if state < len(options) else None
