"""Editing the state of a talk by a path such as `plan.strategy` or `turns.2.text`: checked against our own records, refused with the path.

The crisis gate can't be edited away: what a seeker's turn is changed to is screened like everything a seeker says.
"""

from __future__ import annotations

import copy
import math
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from agents.crisis import screen
from agents.errors import InputError
from agents.words import STRATEGIES, Critique, Draft, Plan, Reflection
from agents.yamlfile import nearest
from graphs.session_words import Json
from graphs.state import State
from simulator.cast import Cast
from simulator.episode import Stop, Turn
from simulator.mind import Mind

_KINDS: dict[str, TypeAdapter[Any]] = {
    "turns": TypeAdapter(tuple[Turn, ...]),
    "mind": TypeAdapter(Mind),
    "plan": TypeAdapter(Plan | None),
    "reflection": TypeAdapter(Reflection | None),
    "versions": TypeAdapter(tuple[Draft, ...]),
    "critiques": TypeAdapter(tuple[Critique, ...]),
    "stop": TypeAdapter(Stop | None),
    "cast": TypeAdapter(Cast),
    "seed": TypeAdapter(Annotated[int, Field(ge=0)]),
}
_TAGS = frozenset({"seeker", "supporter"})
_NEW_TALK: Json = {"plan": None, "reflection": None, "versions": [], "critiques": [], "crisis": None, "stop": None}


def editable() -> list[str]:
    """Keys of the state that may be edited."""
    return list(_KINDS)


def edited(state: State, path: str, value: Any) -> tuple[Json, str | None]:
    """What to write into the state.

    Args:
        state: as it is.
        path: a key of the state, then keys and indices down to the place, joined by dots.
        value: a plain JSON value.

    Returns:
        The keys that change, whole; and the node that the state then stands after, None where that stays as it was (a seeker's last turn
        that is changed goes through the gate, and is answered anew).

    Raises:
        InputError: no such place, or a value that can't stand there; the sentence begins with the path.
    """
    key, *rest = path.split(".")
    if key not in _KINDS:
        raise InputError(f"{path}: {_no_key(key)}.", hint=f"Editable are {', '.join(_KINDS)}.")
    if not rest and key == "turns":
        raise InputError("turns: too much at once.", hint="Name a place, such as turns.0.text.")
    whole = put(state.get(key), rest, value, path)
    try:
        checked = _KINDS[key].dump_python(_KINDS[key].validate_python(whole), mode="json")
    except ValidationError as error:
        raise InputError(_sentence(key, error), hint="Nothing was changed.") from error
    change: Json = {key: checked}
    if key == "plan" and checked:
        _check_distribution(path, checked)
    if key == "mind":
        change |= _with_mind(state, checked)
    if key == "turns":
        return _turns_edited(state, path, checked, change)
    return change, None


def _no_key(key: str) -> str:
    if key == "crisis":
        return "the gate can't be edited; edit the turn, and it is screened again"
    return f"there is no key {key!r} to edit{nearest(key, list(_KINDS))}"


def put(whole: Any, rest: list[str], value: Any, path: str) -> Any:
    """A copy of a JSON value with another value at one place; InputError when there is no such place."""
    if not rest:
        return value
    part, *deeper = rest
    if isinstance(whole, list):
        if not part.isdecimal() or int(part) >= len(whole):
            raise InputError(f"{path}: there is no item {part}; it has {len(whole)}.", hint="Items count from 0.")
        changed = list(whole)
        changed[int(part)] = put(whole[int(part)], deeper, value, path)
        return changed
    if not isinstance(whole, dict):
        found = "nothing" if whole is None else type(whole).__name__
        raise InputError(f"{path}: there is {found} there, so it has no {part!r}.", hint="Look at the state first.")
    if part not in whole:
        raise InputError(f"{path}: there is no key {part!r}{nearest(part, list(whole))}.", hint=f"It has {', '.join(whole)}.")
    return {**whole, part: put(whole[part], deeper, value, path)}


def _sentence(key: str, error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join([key, *(str(part) for part in first["loc"] if part not in _TAGS)])
    given = repr(first["input"])
    return f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]} (it was to be {given[:60]}{'...' if len(given) > 60 else ''})."


def _check_distribution(path: str, plan: Json) -> None:
    weights = plan["distribution"]
    if set(weights) != set(STRATEGIES) or min(weights.values()) < 0 or not math.isclose(sum(weights.values()), 1.0, abs_tol=0.01):
        raise InputError(
            f"{path}: plan.distribution needs a probability for each of the eight, and a sum of 1 (now {sum(weights.values()):.3g}).",
            hint="Nothing was changed.",
        )


def _with_mind(state: State, mind: Json) -> Json:
    """The mind stands in the seeker's last turn, too: the record says what the next turn was lived from."""
    turns = copy.copy(state.get("turns", []))
    last = max((index for index, turn in enumerate(turns) if turn["speaker"] == "seeker"), default=None)
    if last is None:
        return {}
    turns[last] = {**turns[last], "mind": mind}
    return {"turns": turns}


def _turns_edited(state: State, path: str, turns: list[Json], change: Json) -> tuple[Json, str | None]:
    index = int(path.split(".")[1])
    if turns[index]["speaker"] != state["turns"][index]["speaker"]:
        raise InputError(f"{path}: a turn stays its speaker's.", hint="Nothing was changed.")
    if turns[index]["speaker"] != "seeker":
        return change, None
    last = index == len(turns) - 1
    if last:
        return {**change, **_NEW_TALK, "mind": turns[index]["mind"]}, "seeker"
    if screen(turns[index]["text"]):
        raise InputError(f"{path}: the crisis gate raises its flag at this text.", hint="Go back to that turn and edit it there.")
    return change, None


def paths_apart(left: Any, right: Any, prefix: str = "") -> list[str]:
    """Places at which two JSON values differ, in order."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = [*left, *(key for key in right if key not in left)]
        return [path for key in keys for path in paths_apart(left.get(key), right.get(key), f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(left, list) and isinstance(right, list):
        found = [path for index, pair in enumerate(zip(left, right, strict=False)) for path in paths_apart(*pair, f"{prefix}.{index}")]
        return found + ([f"{prefix}.{min(len(left), len(right))}"] if len(left) != len(right) else [])
    return [] if left == right else [prefix]
