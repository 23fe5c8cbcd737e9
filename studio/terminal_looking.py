"""The words of the terminal face that only look."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

from rich.table import Table
from rich.text import Text

from agents.errors import InputError
from agents.yamlfile import nearest
from studio import terminal_views as views
from studio.terminal_base import Leave, Stepping
from studio.terminal_words import (
    number_of,
    plain,
    words_of,
)

_SHORT = {"s": "step", "c": "continue", "t": "turn", "b": "break", "h": "history", "q": "quit", "?": "help", "i": "inspect", "exit": "quit"}


_ORDER = (
    "step continue turn break talk history state mind plan inspect branches diff edit fork go back seat prompt take give say mark export "
    "sessions help quit"
).split()


class Looking(Stepping):
    """Words that look and change nothing."""

    async def do_talk(self, _rest: str) -> None:
        """talk
        What has been said in this branch.
        """
        self._print(views.talk(await self.session.state()))

    async def do_history(self, rest: str) -> None:
        """history [N]
        The last N checkpoints of this branch (20 without N).  Short: h.
        """
        line = self.session.history()
        self._print(views.history(line[-(number_of(rest, "count") if rest else 20) :], self.session.branches))

    async def do_state(self, rest: str) -> None:
        """state [PATH] [@N]
        The state, or a part of it such as mind.trust or turns.0; at checkpoint N.  * marks what the last node changed.
        """
        words = words_of(rest)
        at = [self._where(word[1:]) for word in words if word.startswith("@")]
        path = next((word for word in words if not word.startswith("@")), "")
        seen = await self.session.inspect(at[0] if at else None)
        if not path:
            self._print(views.overview(seen))
            return
        value: Any = seen.state
        for part in path.split("."):
            if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                raise InputError(f"{path}: there is no {part!r}{nearest(part, list(value) if isinstance(value, dict) else [])}.")
        self._print([views.tree(value, path)])

    async def do_mind(self, _rest: str) -> None:
        """mind
        The seeker's hidden mind, need and belief.
        """
        self._print(views.mind(await self.session.state()))

    async def do_plan(self, rest: str) -> None:
        """plan [N]
        The planner's distribution over the eight strategies; at checkpoint N.
        """
        plan = (await self.session.state(self._where(rest) if rest else None)).get("plan")
        if not plan:
            raise InputError("Nothing is planned here.", hint="Step until plan has run.")
        self._print(views.bars(plan))

    async def do_inspect(self, rest: str) -> None:
        """inspect [N]
        What was asked of models in the last step, or at checkpoint N: rendered prompt, raw answer, parsed object, tokens, time.  Short: i.
        """
        seen = await self.session.inspect(self._where(rest) if rest else None)
        self._print([Text(f"{seen.at.number} {seen.at.node or seen.at.kind.value}, changed: {', '.join(seen.changed)}")])
        self._print(views.calls(seen.calls) if seen.calls else [Text("No model was asked.", style="dim")])

    async def do_branches(self, _rest: str) -> None:
        """branches
        The branches, where each stands, and what was done to it.
        """
        heads = {branch.name: self.session.head(branch.name) for branch in self.session.branches}
        self._print(views.branch_lines(self.session.branches, self.session.current.name, heads))

    async def do_diff(self, rest: str) -> None:
        """diff BRANCH [BRANCH]
        Two branches side by side from where they part; this one and another without the second.
        """
        words = words_of(rest)
        if not 1 <= len(words) <= 2:
            raise InputError("Which branches?", hint="diff main question-3")
        left, right = words if len(words) == 2 else (words[0], self.session.current.name)
        apart = await self.session.diff(left, right)
        self._print([views.difference(apart, self.console.width)])
        self.console.print(Text(f"Differ in: {', '.join(apart.paths[:12]) or 'nothing'}", style="dim"), highlight=False)

    async def do_sessions(self, _rest: str) -> None:
        """sessions
        The sessions of this run; open one with: holdspace studio RUN --session NAME --terminal
        """
        for info in self.sessions.list():
            trouble = f"  ({info.trouble})" if info.trouble else ""
            mark_ = "*" if info.name == self.session.name else " "
            self.console.print(Text(f"{mark_} {info.name}  {info.scenario}, {info.branches} branches{trouble}"), highlight=False)

    async def do_help(self, rest: str) -> None:
        """help [COMMAND]
        This list, or what a command does.  Short: ?
        """
        wanted = self.word(rest)
        if wanted and wanted not in self.names():
            raise InputError(f"There is no command {plain(wanted)!r}{nearest(wanted, self.names())}.", hint="See: help")
        grid = Table.grid(padding=(0, 2))
        for name in [wanted] if wanted else _ORDER:
            usage, _, text = (inspect.getdoc(getattr(self, f"do_{name}")) or "").partition("\n")
            text = " ".join(text.split())
            grid.add_row(
                Text(usage if wanted else usage.partition("  ")[0]), Text(text if wanted else re.split(r"[.;] ", text)[0], style="dim")
            )
        self.console.print(grid)

    async def do_quit(self, _rest: str) -> None:
        """quit
        Leave; everything is kept.  Short: q, Ctrl-D.
        """
        sys.stdout.flush()
        raise Leave
