"""The page of a run: one self-contained HTML file in which every talk can be read, offline, with nothing loaded from elsewhere.

The template (`page.html`), its style (`page.css`) and its script (`page.js`) lie beside this module and are joined by plain
replacement.  What models wrote goes in as JSON only; the script sets it as text, never as HTML.  Episodes stream through: one talk
is a line of the embedded data, and the page parses a line when the talk is opened.  Ledger, prompts and distributions stay out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from agents.errors import InputError, StorageError
from agents.words import DEFINITIONS, STAGE_OF, Critique, Draft, PsychError, Refinement, Strategy
from graphs.run import RUN_FILE, read_run
from simulator.episode import Episode, SeekerTurn, StopReason, SupporterTurn
from simulator.mind import GOOD, Appraisal, Mind, Sign
from simulator.store import EPISODES, read_episodes
from studio.worddiff import word_diff

_HERE = Path(__file__).parent
_SLOT = re.compile(r"@@(\w+)@@")
_IN_MEMORY = 1 << 20
"""Bytes of list rows that are held in memory before they go to a temporary file."""
_ESCAPED = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
_SHORT = dict(zip(Strategy, ("Q", "RP", "RF", "SD", "AR", "PS", "In", "Ot"), strict=True))

Record = dict[str, Any]


@dataclass(slots=True)
class _Sum:
    """What the head of the page says about all talks; grows while they stream through."""

    recipes: Counter[str] = field(default_factory=Counter)
    seeds: Counter[int] = field(default_factory=Counter)
    models: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    stops: Counter[StopReason] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    change: float = 0.0
    """Sum of the intensity changes of the talks that did not fail."""
    crises: int = 0

    def add(self, episode: Episode) -> None:
        models = episode.models
        self.recipes[episode.recipe] += 1
        self.seeds[episode.seeds.recipe] += 1
        self.models[models.seeker, models.planner, models.responder, models.critic] += 1
        self.stops[episode.stop.reason] += 1
        self.problems[episode.problem_type] += 1
        self.crises += episode.crisis
        if episode.stop.reason is not StopReason.FAILED:
            self.change += episode.outcome.intensity_change

    @property
    def talks(self) -> int:
        return self.stops.total()

    def mean_change(self) -> float | None:
        """Of the talks that did not fail; None when there is none."""
        ended = self.talks - self.stops[StopReason.FAILED]
        return round(self.change / ended, 3) if ended else None


def write_page(run: Path, html: Path) -> int:
    """Write the run as one page; returns the number of talks.

    Args:
        run: a run folder, or an episodes.jsonl; `run.yaml` may be missing.
        html: the file to write; replaced only when the new page is whole.

    Raises:
        InputError: the run can't be read, or the target is a folder or the run's own data.
        StorageError: the page can't be written.
    """
    source = run / EPISODES if run.is_dir() else run
    if html.is_dir():
        raise InputError(f"{html} is a folder.", hint="Give the name of the page, such as run.html.")
    if html.resolve() in (source.resolve(), (source.parent / RUN_FILE).resolve()):
        raise InputError(f"{html} belongs to the run itself.", hint="Give another name for the page.")
    texts = {name: (_HERE / f"page.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
    about, partial = _about(run, source), html.with_name(f"{html.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as page:
            count = _fill(page, texts, source, about)
        partial.replace(html)
    except OSError as error:
        raise StorageError(f"{html} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return count


def _about(run: Path, source: Path) -> Record:
    """The run's name, and its recipe and versions where run.yaml tells them."""
    folder = source.parent
    about: Record = {"name": (run.resolve() if source.name != EPISODES else folder.resolve()).name}
    if source.name == EPISODES and (folder / RUN_FILE).exists():
        content = read_run(folder)
        recipe = content["recipe"]
        about |= {"recipe": str(recipe.get("name", "")), "turns": recipe.get("turns"), "source": recipe.get("source")}
        about["versions"] = content.get("versions")
    return about


def _fill(page: IO[str], texts: dict[str, str], source: Path, about: Record) -> int:
    """Write the template with its slots filled, in the template's order: the talks come before what is counted on the way."""
    total = _Sum()
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace", newline="\n") as rows:
        slots: dict[str, Callable[[], object]] = {
            "csp": lambda: page.write(escape(_policy(texts["css"], texts["js"]))),
            "title": lambda: page.write(escape(about["name"])),
            "css": lambda: page.write(texts["css"]),
            "js": lambda: page.write(texts["js"]),
            "talks": lambda: _stream(page, rows, source, total),
            "rows": lambda: _copy(rows, page),
            "run": lambda: page.write(as_json(_head(about, total))),
        }
        for place, part in enumerate(_SLOT.split(texts["html"])):
            if place % 2:
                slots[part]()
            else:
                page.write(part)
    return total.talks


def _stream(page: IO[str], rows: IO[str], source: Path, total: _Sum) -> None:
    """Two JSON arrays, a line for each talk: the talks themselves onto the page, their list rows aside."""
    lead = "[\n"
    for episode in read_episodes(source):
        total.add(episode)
        page.write(lead + as_json(_talk(episode)))
        rows.write(lead + as_json(_row(episode)))
        lead = ",\n"
    for file in (page, rows):
        file.write("\n]" if total.talks else "[]")


def _copy(rows: IO[str], page: IO[str]) -> None:
    rows.seek(0)
    shutil.copyfileobj(rows, page)


def as_json(value: object) -> str:
    """Compact JSON on one line that cannot leave a <script> element: `<`, `>`, `&`, U+2028 and U+2029 are escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)


def _policy(css: str, js: str) -> str:
    """A Content-Security-Policy under which nothing runs but our own script and style, and nothing is fetched."""
    hashes = {name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in (("style", css), ("script", js))}
    inline = "; ".join(f"{name}-src 'sha256-{digest}'" for name, digest in hashes.items())
    return f"default-src 'none'; {inline}; base-uri 'none'; form-action 'none'"


def _head(about: Record, total: _Sum) -> Record:
    """What the page says about the run, and the vocabularies of its filters."""
    return {
        **about,
        "talks": total.talks,
        "fingerprints": list(total.recipes),
        "seeds": list(total.seeds),
        "models": [dict(zip(("seeker", "planner", "responder", "critic"), seats, strict=True)) for seats in total.models],
        "stops": [[reason, count] for reason, count in total.stops.most_common()],
        "problems": sorted(total.problems),
        "crises": total.crises,
        "change": total.mean_change(),
        "errors": list(PsychError),
        "strategies": {name: {"short": _SHORT[name], "stage": STAGE_OF[name] or "", "means": DEFINITIONS[name]} for name in Strategy},
    }


def _row(episode: Episode) -> Record:
    """What the list needs of a talk."""
    replies = [turn for turn in episode.turns if isinstance(turn, SupporterTurn)]
    found = {finding.error for turn in replies for critique in turn.critiques for finding in critique.findings}
    survey = episode.survey.seeker
    return {
        "id": episode.id,
        "index": episode.index,
        "problem": episode.problem_type,
        "emotion": episode.emotion_type,
        "before": survey.initial_emotion_intensity,
        "after": survey.final_emotion_intensity,
        "resistance": episode.persona.resistance,
        "strategies": [strategy for strategy in Strategy if any(turn.strategy is strategy for turn in replies)],
        "turns": episode.outcome.supporter_turns,
        "refined": sum(turn.kept > 0 for turn in replies),
        "errors": [error for error in PsychError if error in found],
        "stop": episode.stop.reason,
        "crisis": episode.crisis,
    }


def _talk(episode: Episode) -> Record:
    """What the dialogue view needs of a talk."""
    turns: list[Record] = []
    said = ""
    last: Mind | None = None
    for turn in episode.turns:
        if isinstance(turn, SeekerTurn):
            before = last.reported if last else episode.survey.seeker.initial_emotion_intensity
            turns.append({**_seeker(turn, last, said), "before": before, "after": turn.mind.reported})
            last = turn.mind
        else:
            turns.append(_supporter(turn))
            said = turn.text
    error = episode.stop.error
    return {
        "id": episode.id,
        "situation": episode.situation,
        "seed": episode.seeds.episode,
        "models": episode.models.model_dump(),
        "error": error.model_dump(include={"kind", "boundary", "message"}) if error else None,
        "notes": list(episode.notes),
        "turns": turns,
        "hidden": _hidden(episode),
    }


def _seeker(turn: SeekerTurn, last: Mind | None, reply: str) -> Record:
    """A seeker turn; `mind` holds what the page shows on demand only.

    Args:
        turn: the turn.
        last: the mind at the seeker turn before.
        reply: what the supporter said before this turn.
    """
    mind, known = turn.mind, set(last.disclosed) if last else set()
    return {
        "who": "seeker",
        "text": turn.text,
        "crisis": turn.crisis.model_dump() if turn.crisis else None,
        "mind": {
            **{name: round(getattr(mind, name), 3) for name in ("intensity", "trust", "openness", "patience", "grip")},
            "stage": mind.stage,
            "move": turn.intent.move,
            "told": [[item.key, item.wording] for item in mind.disclosed if item not in known],
            "signs": _signs(turn.appraisal, reply),
        },
    }


def _signs(appraisal: Appraisal | None, reply: str) -> list[list[str]]:
    """Label, tone and quote of each piece of evidence; no quote where it is the whole reply."""
    items = appraisal.evidence if appraisal else ()
    return [[item.sign, _tone(item.sign), "" if item.quote.strip() == reply.strip() else item.quote] for item in items]


def _tone(sign: Sign) -> str:
    return "good" if sign in GOOD else "plain" if sign is Sign.COURTESY else "bad"


def _supporter(turn: SupporterTurn) -> Record:
    """A reply with its versions: the draft, then each refinement, each with its critique."""
    written: list[Draft | Refinement] = [*([turn.draft] if turn.draft else []), *turn.refinements]
    critiques: list[Critique | None] = [*turn.critiques, *[None] * len(written)]
    record: Record = {"who": "supporter", "text": turn.text, "strategy": turn.strategy, "kept": turn.kept}
    if plan := turn.plan:
        record["plan"] = {"strategy": plan.strategy, "p": round(plan.distribution.get(plan.strategy, 0.0), 3), "why": plan.rationale}
    if turn.reflection:
        record["reflection"] = turn.reflection.model_dump()
    record["versions"] = [_version(item, critique, turn) for item, critique in zip(written, critiques, strict=False)]
    if turn.kept and turn.draft:
        record["diff"] = [[kind, len(piece.split())] for kind, piece in word_diff(turn.draft.text, turn.text)]
    return record


def _version(item: Draft | Refinement, critique: Critique | None, turn: SupporterTurn) -> Record:
    """A version and its critique; what is as in the reply that was said, or empty, is left out."""
    version: Record = {name: getattr(item, name) for name in ("text", "strategy") if getattr(item, name) != getattr(turn, name)}
    if critique is None:
        return version
    version["accepted"] = critique.accepted
    if critique.findings:
        version["findings"] = [finding.model_dump(mode="json") for finding in critique.findings]
    if critique.instead:
        version["instead"] = critique.instead
    return version


def _hidden(episode: Episode) -> Record:
    """What nobody but the seeker knows: persona, need, belief and facts."""
    scenario, outcome = episode.scenario, episode.outcome
    return {
        "persona": episode.persona.model_dump(mode="json", exclude={"sampled"}),
        "need": scenario.need,
        "belief": scenario.belief,
        "facts": [[fact.key, fact.depth, fact.plain] for fact in scenario.facts],
        "disclosed": outcome.disclosed,
        "change": round(outcome.intensity_change, 2),
        "trust": round(outcome.trust_change, 2),
    }
