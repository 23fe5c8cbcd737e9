"""`holdspace show RUN --inspect-log FILE.eval`: a run as a log of Inspect (inspect.aisi.org.uk), for `inspect view` and its data frames.

A talk is a sample: the situation is its input, the turns are its messages, what the seeker's mind says is its scores.  The log is written
as Inspect writes its own (a zip of JSON, format version 2), a sample at a time, without importing inspect_ai; a test reads it with that
package where it is installed.  Inspect has no word for most of what an episode knows: strategies, drafts and critiques are metadata of
messages.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from agents.errors import InputError, StorageError
from graphs.run import RUN_FILE, read_run
from simulator.episode import Episode, SeekerTurn, StopReason, Turn
from simulator.store import EPISODES, read_episodes

Json = dict[str, Any]

VERSION = 2
"""Of Inspect's log format."""
ENDING = ".eval"
_SCORES = ("relief", "trust", "told")


def write_inspect_log(run: Path, path: Path) -> int:
    """Write the log; returns the number of samples.

    Args:
        run: a run folder or an episodes.jsonl.
        path: the log; replaced when it is there.  Its name must end with `.eval`.

    Raises:
        InputError: another ending, or the run can't be read.
        StorageError: the log can't be written.
    """
    if path.suffix != ENDING:
        raise InputError(f"{path}: an Inspect log ends with {ENDING}.", hint=f"Name it {path.stem}{ENDING}.")
    totals, partial = _Totals(run), path.with_name(f"{path.name}.partial")
    header = _header(run, totals)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as log:
            _put(log, "_journal/start.json", {key: header[key] for key in ("version", "eval", "plan")})
            summaries = []
            for episode in read_episodes(run):
                found = sample(episode)
                _put(log, f"samples/{episode.id}_epoch_1.json", found)
                summaries.append(_summary(found))
            _put(log, "_journal/summaries/1.json", summaries)
            _put(log, "summaries.json", summaries)
            _put(log, "header.json", header)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
    return totals.talks


def _put(log: zipfile.ZipFile, name: str, value: Any) -> None:
    log.writestr(name, json.dumps(value, ensure_ascii=False))


def _summary(found: Json) -> Json:
    """What the viewer's list shows of a sample."""
    kept = {key: found[key] for key in ("id", "epoch", "input", "target", "scores", "model_usage")}
    metadata = {key: found["metadata"][key] for key in ("index", "scenario", "problem_type", "emotion_type", "stop", "crisis")}
    error = {"error": found["error"]["message"]} if "error" in found else {}
    return {**kept, **error, "metadata": metadata, "completed": True, "message_count": len(found["messages"])}


class _Totals:
    """What the header says of all samples: counted in a first pass, so that no talk is kept."""

    def __init__(self, run: Path) -> None:
        self.talks = self.failed = 0
        self.ids: list[str] = []
        self.models: Counter[str] = Counter()
        values: dict[str, list[float]] = {name: [] for name in _SCORES}
        for episode in read_episodes(run):
            self.talks += 1
            self.ids.append(episode.id)
            self.models[episode.models.responder] += 1
            if episode.stop.reason is StopReason.FAILED:
                self.failed += 1
                continue
            for name, value in scores(episode).items():
                values[name].append(value)
        self.means = {name: fmean(found) if found else 0.0 for name, found in values.items()}


def _header(run: Path, totals: _Totals) -> Json:
    file = run / EPISODES if run.is_dir() else run
    when = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
    stored = read_run(file.parent) if (file.parent / RUN_FILE).exists() else {}
    recipe: Json = stored.get("recipe", {})
    name = file.parent.resolve().name
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": stored.get("fingerprint", name),
            "run_id": name,
            "created": when,
            "task": f"holdspace/{recipe.get('name', name)}",
            "task_id": stored.get("fingerprint", name),
            "task_args": {"seed": recipe.get("seed"), "turns": recipe.get("turns")},
            "dataset": {"name": recipe.get("source", {}).get("name") or name, "samples": totals.talks, "sample_ids": totals.ids},
            "model": totals.models.most_common(1)[0][0] if totals.models else "none",
            "config": {},
            "packages": stored.get("versions", {}),
            "metadata": {"seats": recipe.get("seats", {})},
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {
            "total_samples": totals.talks,
            "completed_samples": totals.talks - totals.failed,
            "scores": [
                {"name": key, "scorer": key, "metrics": {"mean": {"name": "mean", "value": value}}} for key, value in totals.means.items()
            ],
        },
        "stats": {"started_at": when, "completed_at": when, "model_usage": {}},
    }


def scores(episode: Episode) -> dict[str, float]:
    """How the seeker fared: relief (fall of the hidden intensity), gain of trust, share of the facts that were told."""
    outcome = episode.outcome
    return {
        "relief": 0.0 - outcome.intensity_change,
        "trust": outcome.trust_change,
        "told": outcome.disclosed / outcome.facts if outcome.facts else 0.0,
    }


def sample(episode: Episode) -> Json:
    """A talk as an Inspect sample."""
    messages = list(_messages(episode))
    found: Json = {
        "id": episode.id,
        "epoch": 1,
        "input": episode.situation,
        "target": "",
        "messages": messages,
        "metadata": {
            "index": episode.index,
            "scenario": episode.scenario.name,
            "problem_type": episode.problem_type,
            "emotion_type": episode.emotion_type,
            "stop": episode.stop.reason.value,
            "crisis": episode.crisis,
            "survey": episode.survey.seeker.model_dump(),
            "persona": episode.persona.model_dump(mode="json"),
            "models": episode.models.model_dump(),
            "seeds": episode.seeds.model_dump(),
        },
        "scores": {name: {"value": round(value, 4)} for name, value in scores(episode).items()},
        "model_usage": _usage(episode),
        "output": _output(episode, messages),
    }
    if (error := episode.stop.error) is not None:
        text = f"{error.kind}: {error.message}"
        found |= {"scores": {}, "error": {"message": text, "traceback": text, "traceback_ansi": text}}
    return found


def _messages(episode: Episode) -> Iterator[Json]:
    for number, turn in enumerate(episode.turns):
        role = "user" if isinstance(turn, SeekerTurn) else "assistant"
        yield {"id": f"{episode.id}-{number}", "role": role, "content": turn.text, "metadata": _beside(turn)}


def _beside(turn: Turn) -> Json:
    """What led to a turn, without what its text says already."""
    return turn.model_dump(mode="json", exclude={"speaker", "text"}, exclude_none=True)


def _usage(episode: Episode) -> Json:
    usage: dict[str, Counter[str]] = {}
    for entry in episode.ledger:
        counts = usage.setdefault(entry.model, Counter())
        counts.update(input_tokens=entry.prompt_tokens, output_tokens=entry.completion_tokens)
        counts["total_tokens"] += entry.prompt_tokens + entry.completion_tokens
    return {model: dict(counts) for model, counts in usage.items()}


def _output(episode: Episode, messages: list[Json]) -> Json:
    last = next((message for message in reversed(messages) if message["role"] == "assistant"), None)
    choices = [{"message": {"role": "assistant", "content": last["content"]}, "stop_reason": "stop"}] if last else []
    return {"model": episode.models.responder, "choices": choices, "completion": last["content"] if last else ""}
