"""lm-eval gets from our batches what its own `hf` model gives it."""

import shutil

import pytest
from external_task_files import write_tasks
from lm_eval.api.instance import Instance
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from tiny_models import random_model
from transformers import AutoTokenizer

from feedback_pipeline.evaluation import lm_eval_model
from feedback_pipeline.evaluation.external_tasks import fresh, load_tasks
from feedback_pipeline.evaluation.lm_eval_model import LmEvalModel
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.training.base_model import resolve_base_model

TASKS = ("colours", "sums", "sentences")
LONG = "The quick brown fox jumps over the lazy dog, and then over another one. " * 3


@pytest.fixture(scope="module")
def tiny(base, tmp_path_factory):
    """A base model that tells tokens apart, which weights as they are usually drawn hardly do."""
    return random_model(base, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def ours(tiny):
    return LmEvalModel(SharedWeights(tiny).base_model())


def theirs(tiny, **settings):
    return HFLM(pretrained=str(tiny.folder), dtype="float32", device="cpu", batch_size=3, **settings)


def requests(kind, *arguments):
    return [Instance(kind, {}, each, index) for index, each in enumerate(arguments)]


@pytest.mark.parametrize("chat_template", [True, False])
def test_whole_tasks_are_answered_as_by_lm_evals_own_model(tiny, ours, tmp_path, chat_template):
    tasks = load_tasks(TASKS, write_tasks(tmp_path))

    def answers(model):
        asked = {name: fresh(task) for named in tasks for name, task in named.parts.items()}
        found = evaluate(
            lm=model,
            task_dict={"tasks": asked},
            bootstrap_iters=0,
            apply_chat_template=chat_template,
            fewshot_as_multiturn=True,
        )
        return {
            name: [(sample["arguments"], sample["resps"]) for sample in samples]
            for name, samples in found["samples"].items()
        }

    one, other = answers(ours), answers(theirs(tiny))

    assert [asked for asked, _ in one["colours"]] == [asked for asked, _ in other["colours"]]
    assert ("<|im_start|>" in one["colours"][0][0][0][0]) == chat_template
    for (_, got), (_, wanted) in zip(one["colours"], other["colours"], strict=True):
        assert [each[0][0] for each in got] == pytest.approx([each[0][0] for each in wanted], abs=1e-3)
    assert one["sums"] == other["sums"]
    for (_, got), (_, wanted) in zip(one["sentences"], other["sentences"], strict=True):
        assert got[0][0] == pytest.approx(wanted[0][0], abs=1e-3)


def test_a_continuation_is_greedy_where_decoding_would_say_it(ours):
    context = "Once upon a time"
    (said,) = ours.generate_until(requests("generate_until", (context, {"until": [], "max_gen_toks": 3})))

    (_, likely), (_, unlikely) = ours.loglikelihood(
        requests("loglikelihood", (context, said), (context, said + " elephant"))
    )

    assert (likely, unlikely) == (True, False)


def test_an_answer_ends_at_the_first_stop_sequence_it_says(tiny, ours):
    context = "Once upon a time"
    (whole,) = ours.generate_until(requests("generate_until", (context, {"until": [], "max_gen_toks": 20})))
    stop = whole[len(whole) // 3 : len(whole) // 3 + 4]
    asked = requests(
        "generate_until",
        (context, {"until": [stop], "max_gen_toks": 20}),
        ("Twice", {"until": ["never said"], "max_gen_toks": 20}),
        (context, {"until": stop, "max_gen_toks": 2}),
    )

    answers = ours.generate_until(asked)

    assert answers[0] == whole.split(stop)[0]
    assert answers == theirs(tiny).generate_until(asked)


def test_a_text_longer_than_a_window_counts_as_a_whole(tiny, ours, monkeypatch):
    monkeypatch.setattr(lm_eval_model, "WINDOW", 17)
    asked = requests("loglikelihood_rolling", (LONG,), ("Hi",))

    assert ours.loglikelihood_rolling(asked) == pytest.approx(theirs(tiny, max_length=16).loglikelihood_rolling(asked))


def test_a_text_without_context_comes_after_the_token_that_begins_texts(tiny, ours):
    asked = requests("loglikelihood", ("", "Paris"), ("", LONG))

    got, wanted = ours.loglikelihood(asked), theirs(tiny).loglikelihood(asked)

    assert [each[0] for each in got] == pytest.approx([each[0] for each in wanted], abs=1e-3)


def test_what_leaves_no_token_to_score_or_to_be_asked_by_is_an_error(ours):
    with pytest.raises(ValueError, match="nothing to be scored"):
        ours.loglikelihood(requests("loglikelihood", ("Paris", "")))
    with pytest.raises(ValueError, match="leave none"):
        ours.generate_until(requests("generate_until", ("Hi", {"until": [], "max_gen_toks": 100_000})))


def test_a_template_that_knows_no_system_is_told_it_with_the_question(tiny, tmp_path):
    shutil.copytree(tiny.folder, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tiny.folder)
    refuses = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}{{ m.content }}"
    tokenizer.chat_template = refuses + "{% endfor %}"
    tokenizer.save_pretrained(tmp_path / "model")
    asked = LmEvalModel(SharedWeights(resolve_base_model(str(tmp_path / "model"), tmp_path)).base_model())
    chat = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}]

    assert asked.apply_chat_template(chat) == "Be short.\n\nHi"
    assert asked.apply_chat_template(chat[1:]) == "Hi"
