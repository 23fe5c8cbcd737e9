"""A rolling batch: rows of one model that are generated together, join when they come, and leave when they are done.

Prompts are padded on the left.  Where every layer of a model keeps plain keys and values, newcomers are prefilled among themselves and laid
beside those that are under way, and a row that is done gives its place back; a model with another kind of memory (sliding windows, state
spaces) runs a batch to its end.  This is what transformers' continuous batching does, in dense tensors: measured on two CPU cores that is
5 times as fast as its paged cache, and each row can have a generator of its own, which the paged one has not.
No threads here; the caller has turned gradients off.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad as widen
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from agents.chat.drawing import Draw, draw

_ROOM = 64
"""Tokens of room that a layer takes at once, so that a step writes in place instead of copying what is there."""
_ALIKE = 0.8
"""Rows shorter than this share of the longest get a prefill of their own, ..."""
_SMALL = 512
"""... unless the prefill has fewer tokens than this."""
_LARGE = 16_384
"""Tokens of one prefill at most, unless a single row has more: bounds the memory of its activations."""


@dataclass(slots=True)
class Row:
    """One text under way."""

    ids: Sequence[int]
    """The prompt."""
    most: int
    """Tokens to write at most."""
    ends: frozenset[int]
    """Tokens that end the text; they are not part of it."""
    how: Draw
    tag: Any = None
    """The owner's: whom to tell."""
    written: list[int] = field(default_factory=list)
    done: bool = False
    ended: bool = False
    """By an end token, not by the limit."""
    left: bool = False
    """Out of the batch."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # transformers may be absent where this is checked
    """Keys and values of one layer, written in place into room that is taken ahead."""

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.room: list[Tensor] = [key_states[:, :, :0], value_states[:, :, :0]]
            self.keys, self.values = self.room
        old = self.keys.shape[2]
        new = old + key_states.shape[2]
        if new > self.room[0].shape[2] or self.room[0].shape[0] != key_states.shape[0]:
            self.room = [_roomy(self.keys, new + _ROOM), _roomy(self.values, new + _ROOM)]
        for room, states in zip(self.room, (key_states, value_states), strict=True):
            room[:, :, old:new] = states
        self.keys, self.values = (room[:, :, :new] for room in self.room)
        return self.keys, self.values

    def take(self, keys: Tensor, values: Tensor) -> None:
        """Hold these instead; room is taken at the next step."""
        self.keys, self.values = keys, values
        self.room = [keys, values]


def _roomy(states: Tensor, length: int) -> Tensor:
    room = states.new_empty((*states.shape[:2], length, states.shape[3]))
    room[:, :, : states.shape[2]] = states
    return room


class Runner:
    """A model's forward pass over padded rows."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.device = model.device
        takes = inspect.signature(model.forward).parameters
        self._positions = "position_ids" in takes
        self._keep = "logits_to_keep" in takes
        self.plain = all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)

    def cache(self) -> Cache:
        """An empty one, of the kind that the model needs."""
        return Cache(layer_class_to_replicate=RoomyLayer) if self.plain else DynamicCache(config=self.model.config)

    def __call__(self, ids: Tensor, mask: Tensor, cache: Cache, *, last: bool) -> Tensor:
        """Logits of shape (rows, tokens or 1, vocabulary), in float32.

        Args:
            ids: the new tokens, (rows, tokens).
            mask: 1 where a token is, for those in the cache and the new ones.
            cache: takes the new tokens in.
            last: only the last token's logits.
        """
        more: dict[str, Any] = {}
        if self._positions:
            more["position_ids"] = (mask.cumsum(dim=1) - 1).clamp_min(0)[:, -ids.shape[1] :]
        if self._keep and last:
            more["logits_to_keep"] = 1
        logits: Tensor = self.model(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **more).logits
        return (logits[:, -1:] if last else logits).float()


def padded(prompts: Sequence[Sequence[int]], device: Any, *, left: bool = True) -> tuple[Tensor, Tensor]:
    """Token ids and mask, of shape (prompts, longest)."""
    longest = max(map(len, prompts))
    ids, mask = torch.zeros((2, len(prompts), longest), dtype=torch.long)
    for place, prompt in enumerate(prompts):
        where = slice(longest - len(prompt), longest) if left else slice(0, len(prompt))
        ids[place, where] = torch.tensor(prompt, dtype=torch.long)
        mask[place, where] = 1
    return ids.to(device), mask.to(device)


class RollingBatch:
    """Rows under way.

    Args:
        runner: of the model.
    """

    def __init__(self, runner: Runner) -> None:
        self.rows: list[Row] = []
        self._runner = runner
        self._cache = runner.cache()
        self._mask = torch.zeros((0, 0), dtype=torch.long, device=runner.device)

    @property
    def open(self) -> bool:
        """Whether newcomers can join."""
        return self._runner.plain or not self.rows

    def join(self, rows: Sequence[Row]) -> list[Row]:
        """Take rows in and write their first tokens; returns those that are done by that."""
        for some in alike(rows) if self._runner.plain else [list(rows)]:
            cache = self._runner.cache()
            ids, mask = padded([row.ids for row in some], self._runner.device)
            logits = self._runner(ids, mask, cache, last=True)[:, -1]
            self._lay_beside(cache, mask)
            self.rows.extend(some)
            self._write(some, logits)
        return self._leave()

    def step(self) -> list[Row]:
        """Write one token of every row; returns the rows that are done by it."""
        ids = torch.tensor([row.written[-1:] or [0] for row in self.rows], device=self._runner.device)
        mask = widen(self._mask, (0, 1), value=1)
        logits = self._runner(ids, mask, self._cache, last=True)[:, -1]
        self._mask = mask
        self._write(self.rows, logits)
        return self._leave()

    def drop(self, gone: Sequence[Row]) -> None:
        """Forget rows that nobody waits for any more."""
        for row in gone:
            row.done = True
        self._leave()

    def _write(self, rows: Sequence[Row], logits: Tensor) -> None:
        for row, token in zip(rows, draw(logits, [row.how for row in rows]), strict=True):
            if row.done:
                continue
            row.ended = token in row.ends
            if not row.ended:
                row.written.append(token)
            row.done = row.ended or len(row.written) >= row.most

    def _leave(self) -> list[Row]:
        done = [row for row in self.rows if row.done and not row.left]
        for row in done:
            row.left = True
        stay = [place for place, row in enumerate(self.rows) if not row.left]
        if not stay:
            self.rows, self._cache = [], self._runner.cache()
            self._mask = self._mask[:0, :0]
        elif done and self._runner.plain:
            self._keep(stay)
        return done

    def _keep(self, stay: Sequence[int]) -> None:
        """Only these rows, without the columns that none of them uses."""
        index = torch.tensor(stay, device=self._runner.device)
        mask = self._mask[index]
        unused = int(mask.any(dim=0).int().argmax())
        self.rows = [self.rows[place] for place in stay]
        self._mask = mask[:, unused:]
        for layer in self._cache.layers:
            layer.take(layer.keys[index, :, unused:], layer.values[index, :, unused:])

    def _lay_beside(self, cache: Cache, mask: Tensor) -> None:
        if not self.rows:
            self._cache, self._mask = cache, mask
            return
        length = max(self._mask.shape[1], mask.shape[1])
        self._mask = torch.cat([_grown(self._mask, length, 1), _grown(mask, length, 1)])
        for old, new in zip(self._cache.layers, cache.layers, strict=True):
            pairs = ((old.keys, new.keys), (old.values, new.values))
            old.take(*(torch.cat([_grown(one, length, 2), _grown(other, length, 2)]) for one, other in pairs))


def alike(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in groups of about one length, for little padding; short prefills stay together."""
    group: list[Row] = []
    for row in sorted(rows, key=lambda row: -len(row.ids)):
        if group and len(row.ids) < _ALIKE * len(group[0].ids) and len(group) * len(group[0].ids) >= _SMALL:
            yield group
            group = []
        group.append(row)
        if len(group) * len(group[0].ids) >= _LARGE:
            yield group
            group = []
    if group:
        yield group


def _grown(states: Tensor, length: int, dim: int) -> Tensor:
    """Zeros before the states along `dim`, up to `length`."""
    missing = length - states.shape[dim]
    if not missing:
        return states
    shape = list(states.shape)
    shape[dim] = missing
    return torch.cat([states.new_zeros(shape), states], dim=dim)
