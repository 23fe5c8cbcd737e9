"""Layout of prompts and answers by literal tensors, and the forward pass against transformers' own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import need_torch, tiny_model

need_torch()

import torch  # noqa: E402  after the skip

from training.branches import Branching, answer_sums, lay_out, shares, token_log_probs  # noqa: E402


def test_one_answer_a_prompt_is_padded_on_the_left_and_only_its_tokens_are_targets() -> None:
    batch = lay_out([Branching([5, 6, 7], [[8, 9]]), Branching([5], [[4, 3, 9]])], pad_id=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8], [0, 5, 4, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [0, 1, 1, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3], [0, 0, 1, 2]]
    assert batch["keep"] == 3
    assert batch["token"].tolist() == [8, 9, 4, 3, 9]
    assert batch["where"].tolist() == [1, 2, 3, 4, 5], "places in the last three logits of each row"
    assert batch["owner"].tolist() == [0, 0, 1, 1, 1]


def test_two_answers_share_a_prompt_and_do_not_see_each_other() -> None:
    batch = lay_out([Branching([5, 6], [[8, 9], [7, 4, 9]])], pad_id=0)
    assert batch["input_ids"].tolist() == [[5, 6, 8, 7, 4]], "no stop token is read: nothing follows it"
    assert batch["position_ids"].tolist() == [[0, 1, 2, 2, 3]]
    assert batch["token"].tolist() == [8, 9, 7, 4, 9]
    assert batch["where"].tolist() == [0, 1, 0, 2, 3], "both answers begin after the prompt's last token"
    assert batch["attention_mask"][0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 0, 1, 0],
        [1, 1, 0, 1, 1],
    ]


def test_padding_sees_itself_and_nobody_sees_padding() -> None:
    batch = lay_out([Branching([5, 6, 7], [[8, 9], [4, 9]]), Branching([5], [[8, 9], [4, 9]])], pad_id=0)
    seen = batch["attention_mask"][1, 0].int().tolist()
    assert seen[0] == [1, 0, 0, 0, 0]
    assert seen[2] == [0, 0, 1, 0, 0]
    assert seen[4] == [0, 0, 1, 0, 1]


def test_the_prompt_can_be_learned_too() -> None:
    batch = lay_out([Branching([5, 6, 7], [[8, 9]])], pad_id=0, prompt_too=True)
    assert batch["keep"] == 4
    assert sorted(zip(batch["where"].tolist(), batch["token"].tolist(), batch["owner"].tolist(), strict=True)) == [
        (0, 6, -1),
        (1, 7, -1),
        (2, 8, 0),
        (3, 9, 0),
    ]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_shared_or_not_an_answer_is_as_likely_as_transformers_says(tmp_path: Path, attention: str) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path), attn_implementation=attention).eval()
    assert shares(model)
    rows = [Branching([11, 12, 13, 14], [[20, 21, 1], [22, 1]]), Branching([15], [[23, 1], [24, 25, 26, 1]])]
    expected = [_plain(model, [*row.prompt], [*answer]) for row in rows for answer in row.answers]
    shared = lay_out(rows, pad_id=0)
    apart = lay_out([Branching(row.prompt, [answer]) for row in rows for answer in row.answers], pad_id=0)
    padded = lay_out(rows, pad_id=0, multiple=8)
    assert padded["input_ids"].shape == (2, 8)
    for batch in (shared, apart, padded):
        with torch.no_grad():
            found = answer_sums(token_log_probs(model, batch), batch["owner"], 4)
        assert found.tolist() == pytest.approx(expected, abs=1e-4)


def _plain(model: object, prompt: list[int], answer: list[int]) -> float:
    with torch.no_grad():
        logs = model(input_ids=torch.tensor([prompt + answer])).logits[0].log_softmax(-1)  # type: ignore[operator]
    return sum(float(logs[len(prompt) - 1 + place, token]) for place, token in enumerate(answer))
