from functools import cache

import pytest
from tiny_models import random_model

from feedback_pipeline.evaluation import generation
from feedback_pipeline.evaluation.generation import batches, greedy
from feedback_pipeline.evaluation.shared_weights import SharedWeights

SYSTEM = {"role": "system", "content": "You are the support assistant of a shop. Answer in one sentence, please."}
QUESTIONS = ("Hi", "What is the capital of France?", "Name three rivers, please, and the sea of each.")
PROMPTS = [[*opening, {"role": "user", "content": text}] for opening in ([], [SYSTEM]) for text in QUESTIONS]
NEW_TOKENS = 8


@pytest.fixture(scope="module")
def tiny(base, tmp_path_factory):
    return random_model(base, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def alone(tiny):
    """Tokens of each prompt, and what `model.generate` says to it alone, with the given stops."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny.folder)
    model = AutoModelForCausalLM.from_pretrained(tiny.folder, dtype="float32").eval()

    @cache
    def of(*stops):
        found = []
        for prompt in PROMPTS:
            ids = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_tensors="pt")["input_ids"]
            tokens = model.generate(
                ids, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=list(stops) or None, pad_token_id=0
            )
            found.append((ids[0].tolist(), tokens[0, ids.shape[1] :].tolist()))
        return model, found

    return of


def _batched(model, prompts, stops, rows):
    answers = {}
    for batch in batches(prompts, rows):
        answers |= dict(zip(batch.owners, greedy(model, batch, NEW_TOKENS, frozenset(stops)), strict=True))
    return [answers[index] for index in range(len(prompts))]


@pytest.mark.parametrize("rows", [1, 3, 32])
def test_batched_answers_are_those_of_model_generate_alone(alone, rows):
    model, found = alone()

    assert _batched(model, [ids for ids, _ in found], [], rows) == [answer for _, answer in found]


def test_an_answer_ends_before_a_stop_and_its_row_leaves_the_batch_without_changing_the_others(alone):
    _, unstopped = alone()
    # Tokens that some answers say early, some late and some never.
    stops = [unstopped[0][1][2], unstopped[4][1][5], unstopped[3][1][0]]
    model, found = alone(*stops)
    expected = [answer[:-1] if answer[-1] in stops else answer for _, answer in found]

    assert _batched(model, [ids for ids, _ in found], stops, 32) == expected
    assert len({len(answer) for answer in expected}) > 2


def test_what_all_prompts_of_a_batch_begin_with_is_computed_once():
    opening = list(range(100, 130))
    batch, *more = batches([[*opening, 1, 2], [*opening, 1], [*opening, 3]])

    assert not more
    assert (batch.shared, batch.rests, batch.owners) == (opening, [[1, 2], [1], [3]], [0, 1, 2])


def test_long_prompts_come_in_smaller_batches(monkeypatch):
    monkeypatch.setattr(generation, "PROMPT_TOKENS", 100)

    assert [batch.owners for batch in batches([[1] * 40, [2] * 50, [3] * 10, [4] * 120])] == [[3], [1, 0], [2]]


def test_a_model_answers_in_the_order_of_the_prompts_and_none_to_none(tiny):
    model = SharedWeights(tiny).base_model()
    answers = model.generate(PROMPTS, NEW_TOKENS)

    assert answers == [model.generate([prompt], NEW_TOKENS)[0] for prompt in PROMPTS]
    assert model.generate(PROMPTS[::-1], NEW_TOKENS) == answers[::-1]
    assert model.generate([], NEW_TOKENS) == []
