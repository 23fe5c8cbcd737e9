"""`holdspace mine`: models run over a human corpus, pairs made of what they say; with a progress bar, resumable, and tables at the end."""

from __future__ import annotations

import asyncio
import hashlib
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.chat.budget import read_budget
from agents.chat.calls import CallLog
from agents.chat.linear import SPEC as LINEAR
from agents.chat.linear import split_spec
from agents.chat.port import Chat, Role
from agents.chat.prices import load_prices
from agents.chat.steady import Patience
from agents.errors import ChatError, InputError, RunStop
from agents.planner import Pick
from agents.prompting import Prompting
from agents.words import Speaker
from agents.yamlfile import nearest
from graphs.recipe import RoleSampling
from graphs.seats import REHEARSAL, Backends
from simulator.corpora import Corpus, read_corpus
from simulator.dialogue import Dialogue
from studio.mined import export, json_of, say_what_it_cost, say_who_judges, show
from training.attempts import AttemptStore, MineSettings
from training.exporting import Format
from training.guards import GuardSettings, Tally
from training.ipm import KINDS, Miner
from training.mined import pairs_of
from training.mining import Gate, attempt_all, gate_fingerprint
from training.mining import Progress as Mining
from training.pair import PairKind
from training.pairstore import PAIRS, write_pairs

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for."""

    corpus: Path
    seats: dict[str, str | None]
    """Spec of planner, responder and judge."""
    model: str | None
    kinds: str
    pick: str
    prompts: str
    language: str
    seed: int
    limit: int | None
    concurrency: int
    ratio: str
    near: float
    balance: bool
    crisis: bool
    budget: str | None
    prices: Path | None
    timeout: float
    device: str
    chat_template: str | None
    out: Path
    json: bool
    format: str | None = None


def run_mining(asked: Asked) -> int:
    """Mine, make pairs, print; the exit code: 0, 1 when it had to stop, or 130 when interrupted.

    Raises:
        InputError: a flag, a file, or no pair could be made.
        ChatError: every turn failed.
    """
    kinds = _several("--kinds", asked.kinds)
    settings = _guards(asked)
    form = _one("--format", asked.format, Format) if asked.format else None
    corpus = read_corpus(asked.corpus)
    next(iter(corpus))  # what is no corpus is told before a folder is made
    backends = _backends(asked)
    miner = _miner(asked, backends)
    console = Console(stderr=True)
    say_who_judges(miner, console)
    with AttemptStore(asked.out, _settings(asked, corpus, miner)) as store:
        gate, tally = Gate(store), Tally()
        try:
            mining = asyncio.run(_attempts(asked, corpus, miner, store, kinds, gate, backends, console))
        except KeyboardInterrupt:
            return _stopped(console, "Interrupted.", 130)
        except RunStop as stop:
            return _stopped(console, f"holdspace: {stop}", 1)
        finally:
            say_what_it_cost(backends.calls, console)
        for line in corpus.notes():
            console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
        if mining.failed and mining.failed == mining.done and not mining.found:
            raise ChatError(f"All {mining.failed} turns failed: {mining.failures.most_common(1)[0][0]}", hint="Look at the model's server.")
        dialogues = _dialogues(corpus, asked.limit)
        pairs = pairs_of(dialogues, store, miner, kinds, gate, tally, source=asked.corpus.name, crisis=asked.crisis)
        write_pairs(pairs, asked.out / PAIRS, kinds, settings=settings, tally=tally)
    if asked.json:
        sys.stdout.write(json_of(kinds, tally, mining, corpus, asked.out))
    else:
        show(kinds, tally, mining, asked.out)
    if form and tally.total:
        folder = export(asked.corpus.name, asked.out, form, kinds, settings, tally, miner)
        console.print(f"Rows for {form.value}: {folder} (read its README.md)", highlight=False, markup=False, soft_wrap=True)
    if not tally.total:
        reasons = "; ".join(f"{count:,} {kind.value}: {reason}" for (kind, reason), count in tally.dropped.most_common(3))
        raise InputError(
            f"{asked.corpus} gave no pair ({reasons or 'no candidates'}).", hint="Look at the kinds, the judge and the bounds."
        )
    return 0


async def _attempts(
    asked: Asked,
    corpus: Corpus,
    miner: Miner,
    store: AttemptStore,
    kinds: tuple[PairKind, ...],
    gate: Gate,
    backends: Backends,
    console: Console,
) -> Mining:
    try:
        with _bar(asked, corpus, console) as advance:
            return await attempt_all(
                _dialogues(corpus, asked.limit),
                miner,
                store,
                kinds,
                gate,
                concurrency=asked.concurrency,
                crisis=asked.crisis,
                on_turn=advance,
            )
    finally:
        await backends.aclose()


@contextmanager
def _bar(asked: Asked, corpus: Corpus, console: Console) -> Iterator[Callable[[Mining], None]]:
    """What to call after each turn; a bar where somebody looks."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = console.is_terminal and not asked.json
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task("supporter turns", total=_count(corpus, asked.limit) if shown else None, failures="")

        def advance(mining: Mining) -> None:
            bar.update(task, completed=mining.found + mining.done, failures=f"{mining.failed} failed" if mining.failed else "")

        yield advance


def _dialogues(corpus: Corpus, limit: int | None) -> Iterator[Dialogue]:
    return islice(iter(corpus), limit)


def _count(corpus: Corpus, limit: int | None) -> int:
    return sum(turn.speaker is Speaker.SUPPORTER for dialogue in _dialogues(corpus, limit) for turn in dialogue.turns)


def _miner(asked: Asked, backends: Backends) -> Miner:
    sampling = RoleSampling().by_role()
    specs = _specs(asked)
    roles = {"planner": Role.PLANNER, "responder": Role.RESPONDER, "judge": Role.CRITIC}
    planner, responder, judge = (backends.backend(specs[seat], role, sampling) for seat, role in roles.items())
    return Miner(
        planner,
        responder,
        judge,
        pick=_one("--pick", asked.pick, Pick),
        prompting=_one("--prompts", asked.prompts, Prompting),
        language=asked.language,
        seed=asked.seed,
    )


def _specs(asked: Asked) -> dict[str, str]:
    return {seat: spec or asked.model or REHEARSAL for seat, spec in asked.seats.items()}


def _settings(asked: Asked, corpus: Corpus, miner: Miner) -> MineSettings:
    chats = {"planner": miner.planner.chat, "responder": miner.responder.chat, "judge": miner.judge.chat}
    weights = {seat: _weights(spec, chats[seat]) for seat, spec in _specs(asked).items()}
    return MineSettings(
        corpus=asked.corpus.name,
        sha256=_digest([corpus.path]),
        seed=asked.seed,
        pick=miner.planner.pick,
        prompts=Prompting(asked.prompts),
        language=asked.language,
        models=miner.models(),
        weights={seat: told for seat, told in weights.items() if told},
        fingerprints=miner.fingerprints() | {"crisis": gate_fingerprint()},
    )


def _weights(spec: str, chat: Chat) -> str:
    """What tells the content of a model's folder; empty for a model that is none."""
    if spec.startswith(LINEAR):
        return _digest(sorted(split_spec(spec)[0].iterdir()))[:16]
    return str(getattr(chat, "identity", ""))


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _backends(asked: Asked) -> Backends:
    for flag, value in (("--concurrency", asked.concurrency), ("--limit", asked.limit)):
        if value is not None and value < 1:
            raise InputError(f"{flag} {value}: must be at least 1.")
    if asked.seed < 0:
        raise InputError(f"--seed {asked.seed}: must be 0 or more.")
    if asked.timeout <= 0:
        raise InputError(f"--timeout {asked.timeout}: must be above 0.")
    prices = load_prices(asked.prices) if asked.prices else None
    return Backends(
        concurrency=max(asked.concurrency, 64),
        budget=read_budget(asked.budget, prices) if asked.budget else None,
        calls=CallLog(prices),
        patience=Patience(timeout=asked.timeout),
        device=asked.device,
        chat_template=asked.chat_template,
    )


def _guards(asked: Asked) -> GuardSettings:
    try:
        low, high = (float(part) for part in asked.ratio.split(","))
    except ValueError as error:
        raise InputError(f"--ratio {asked.ratio}: expected two numbers.", hint="Such as --ratio 0.5,2.") from error
    balance = GuardSettings().balance if asked.balance else None
    try:
        return GuardSettings(ratio=(low, high), near=asked.near, balance=balance, crisis=asked.crisis)
    except ValidationError as error:
        first = error.errors()[0]
        flag, value = ("--near", str(asked.near)) if first["loc"] == ("near",) else ("--ratio", asked.ratio)
        raise InputError(f"{flag} {value}: {first['msg'].removeprefix('Value error, ')}.") from error


def _one(flag: str, value: str, kind: type[E]) -> E:
    names = [item.value for item in kind]
    if value not in names:
        raise InputError(f"{flag} {value}: not known{nearest(value, names)}.", hint=f"Known are {', '.join(names)}.")
    return kind(value)


def _several(flag: str, value: str) -> tuple[PairKind, ...]:
    """The kinds of a list with commas, each once."""
    names = [kind.value for kind in KINDS]
    asked = [part.strip() for part in value.split(",") if part.strip()]
    for name in asked:
        if name not in names:
            raise InputError(f"{flag} {name}: these pairs are not mined{nearest(name, names)}.", hint=f"Mined are {', '.join(names)}.")
    if not asked:
        raise InputError(f"{flag}: names nothing.", hint=f"Mined are {', '.join(names)}.")
    return tuple(kind for kind in KINDS if kind.value in asked)


def _stopped(console: Console, why: str, code: int) -> int:
    console.print(why, highlight=False, markup=False, soft_wrap=True)
    again = shlex.join(["holdspace", *sys.argv[1:]])
    console.print(f"What was attempted is stored; go on with: {again}", highlight=False, markup=False, soft_wrap=True)
    return code
