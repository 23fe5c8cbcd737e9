"""`holdspace show`: a list of talks, one talk to read, or the whole run as a page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.errors import InputError
from simulator.episode import Episode, SeekerTurn, SupporterTurn
from simulator.store import EPISODES, read_episodes
from studio.worddiff import word_diff

_INDENT = 4
_ALIKE = 0.35
"""Share of a draft that must have stayed for a word diff to be shown."""
_STYLE = {"same": "", "gone": "red strike", "new": "green bold"}


def show_run(
    run: Path,
    wanted: str | None,
    *,
    html: Path | None,
    pick: bool,
    limit: int,
    as_json: bool,
    inspect_log: Path | None = None,
    beside: Path | None = None,
) -> None:
    """Print a list or an episode, or write the page."""
    if not (run / EPISODES if run.is_dir() else run).exists():
        raise InputError(f"{run} holds no episodes.", hint="Give a folder made by holdspace simulate.")
    if html is not None:
        from studio.page import write_page

        count = write_page(run, html)
        Console(stderr=True).print(f"{html}: {count} talks.", highlight=False)
        return
    if inspect_log is not None:
        from studio.inspectlog import write_inspect_log

        count = write_inspect_log(run, inspect_log)
        Console(stderr=True).print(
            f"{inspect_log}: {count} samples. Look at them: inspect view --log-dir {inspect_log.parent}", highlight=False
        )
        return
    if beside is not None:
        _print_beside(beside, run, wanted)
        return
    if wanted is None and not pick:
        _print_list(run, limit, as_json=as_json)
        return
    episode = picked(run) if wanted is None else found(run, wanted)
    if as_json:
        sys.stdout.write(episode.model_dump_json() + "\n")
    else:
        Console().print(transcript(episode))


def found(run: Path, wanted: str) -> Episode:
    """The episode with this index, id, or start of an id.

    Raises:
        InputError: there is none, or the start of an id fits several.
    """
    fits = [episode for episode in read_episodes(run) if _fits(episode, wanted)]
    if not fits:
        raise InputError(f"{run} holds no episode {wanted!r}.", hint=f"List them: holdspace show {run}")
    if len(fits) > 1:
        raise InputError(f"{len(fits)} episodes begin with {wanted!r}.", hint="Give more of the id.")
    return fits[0]


def _fits(episode: Episode, wanted: str) -> bool:
    return str(episode.index) == wanted if wanted.isdecimal() else episode.id.startswith(wanted)


def picked(run: Path) -> Episode:
    """The first talk, by index, that has ended by itself with a kept refinement; else the first of all."""
    episodes = sorted(read_episodes(run), key=lambda episode: episode.index)
    if not episodes:
        raise InputError(f"{run} holds no episodes.")
    return next((episode for episode in episodes if episode.stop.reason != "failed" and _is_refined(episode)), episodes[0])


def _is_refined(episode: Episode) -> bool:
    return any(isinstance(turn, SupporterTurn) and turn.kept > 0 for turn in episode.turns)


def _print_list(run: Path, limit: int, *, as_json: bool) -> None:
    if as_json:
        for episode in read_episodes(run):
            sys.stdout.write(
                episode.model_dump_json(include={"id", "index", "problem_type", "emotion_type", "stop", "outcome", "survey"}) + "\n"
            )
        return
    table = Table(box=None, header_style="bold")
    for name in ("index", "id", "problem", "scenario", "seeker", "emotion", "turns", "end"):
        table.add_column(name, justify="right" if name in ("index", "turns") else "left")
    total = 0
    for episode in read_episodes(run):
        total += 1
        if total <= limit:
            table.add_row(*_row(episode))
    console = Console()
    console.print(table)
    if total > limit:
        console.print(f"... and {total - limit} more (--limit).", highlight=False)


def _row(episode: Episode) -> Iterator[str]:
    survey = episode.survey.seeker
    yield str(episode.index)
    yield episode.id
    yield episode.problem_type
    yield episode.scenario.name
    yield f"{episode.persona.resistance.value}, {episode.persona.age}"
    yield f"{episode.emotion_type} {survey.initial_emotion_intensity}\u2192{survey.final_emotion_intensity}"
    yield str(episode.outcome.supporter_turns)
    yield episode.stop.reason.value + (f" ({episode.stop.error.kind})" if episode.stop.error else "")


def _print_beside(first: Path, second: Path, wanted: str | None) -> None:
    """The talks of two runs with the same seeker, side by side: the one asked for, else the first on which both ended by themselves.

    Raises:
        InputError: there is no such talk in both.
    """
    left, right = ({episode.index: episode for episode in read_episodes(run)} for run in (first, second))
    same = [index for index in sorted(left.keys() & right.keys()) if left[index].persona == right[index].persona]
    if wanted is not None:
        same = [index for index in same if _fits(right[index], wanted)]
    if not same:
        raise InputError(f"{first} and {second} have no such talk with the same seeker.", hint="Simulate both from one recipe and seed.")
    ended = [index for index in same if not {"failed", "crisis_handover"} & {left[index].stop.reason, right[index].stop.reason}]
    index = (ended or same)[0]
    console = Console() if Console().is_terminal else Console(width=118)
    console.print(*_head(right[index]), sep="\n")
    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    for run in (first, second):
        table.add_column(f"{run.parent.name}/{run.name}", ratio=1)
    rows = zip_longest(*(_plain_lines(side[index]) for side in (left, right)), fillvalue=Text())
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _plain_lines(episode: Episode) -> Iterator[Text]:
    for turn in episode.turns:
        name = f"Seeker [{turn.mind.intensity:.1f}] " if isinstance(turn, SeekerTurn) else f"({turn.strategy.value}) "
        yield Text.assemble((name, "cyan" if isinstance(turn, SeekerTurn) else "green"), turn.text)
    outcome = episode.outcome
    yield Text(f"End: {episode.stop.reason.value}, emotion {outcome.intensity_change:+.2f}, trust {outcome.trust_change:+.2f}", style="dim")


def transcript(episode: Episode) -> Group:
    """An episode as a page for the terminal."""
    parts: list[Text | Padding] = [*_head(episode), Text()]
    before = episode.survey.seeker.initial_emotion_intensity
    for turn in episode.turns:
        if isinstance(turn, SeekerTurn):
            parts.append(_seeker_line(turn, before))
            before = turn.mind.reported
        else:
            parts.extend(_supporter_lines(turn))
    parts.extend((Text(), _foot(episode)))
    return Group(*parts)


def _head(episode: Episode) -> list[Text]:
    persona, scenario = episode.persona, episode.scenario
    who = f"{persona.age}, {persona.gender}, {persona.occupation}; {persona.resistance.value}, {persona.verbosity.value}"
    lines = [
        Text(f"{episode.id}  {episode.problem_type} / {episode.emotion_type}  ({scenario.name})", style="bold"),
        Text(f"Seeker: {who}", style="dim"),
        Text(f"Situation: {' '.join(episode.situation.split())}", style="dim"),
    ]
    return [*lines, *(Text(f"Note: {note}", style="yellow") for note in episode.notes)]


def _seeker_line(turn: SeekerTurn, before: int) -> Text:
    now = turn.mind.reported
    arrow = f"{before}\u2192{now}" if before != now else str(now)
    line = Text(f"[{arrow}] ", style="magenta" if now > before else "cyan")
    line.append("Seeker: ", style="bold")
    line.append(turn.text, style="")
    if turn.crisis:
        line.append(f"  (crisis gate: {turn.crisis.category}, '{turn.crisis.span}')", style="red bold")
    return line


def _supporter_lines(turn: SupporterTurn) -> list[Padding]:
    line = Text(f"({turn.strategy.value}) ", style="green")
    line.append("Supporter: ", style="bold")
    line.append(turn.text, style="")
    lines = [line]
    for number, critique in enumerate(turn.critiques):
        for finding in critique.findings:
            version = "draft" if number == 0 else f"version {number + 1}"
            instead = f"; instead: {critique.instead.value}" if critique.instead else ""
            lines.append(
                Text(
                    f"  {version}: {finding.error.value} ({finding.severity}) '{finding.span}': {finding.why}{instead}", style="yellow dim"
                )
            )
    if turn.kept > 0 and turn.draft is not None:
        pieces = word_diff(turn.draft.text, turn.text)
        alike = sum(len(piece) for kind, piece in pieces if kind == "same") >= _ALIKE * len(turn.draft.text)
        if not alike:  # written anew: marks between the words would only confuse
            pieces = [("gone", turn.draft.text)]
        diff = Text("  draft \u2192 said: " if alike else "  draft, not said: ", style="dim")
        for kind, piece in pieces:
            diff.append(piece if piece.endswith(" ") else f"{piece} ", style=_STYLE[kind])
        lines.append(diff)
    return [Padding(item, (0, 0, 0, _INDENT)) for item in lines]


def _foot(episode: Episode) -> Text:
    survey, outcome = episode.survey.seeker, episode.outcome
    end = f"End: {episode.stop.reason.value}"
    if episode.stop.error:
        end += f" ({episode.stop.error.kind}: {episode.stop.error.message})"
    return Text(
        f"{end}. {episode.emotion_type} {survey.initial_emotion_intensity}\u2192{survey.final_emotion_intensity} of 5, "
        f"trust {outcome.trust_change:+.2f}, {outcome.disclosed} of {outcome.facts} facts told.",
        style="bold",
    )
