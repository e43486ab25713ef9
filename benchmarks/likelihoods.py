"""Likelihoods of answers: lm-eval's requests to our scoring, and to lm-eval's own `hf` model on the same weights.

The questions are those of the general suite with four answers each, asked as they are and after five examples. `hf`
runs in float32, which is what ours computes in, and in bfloat16, its default for this model; `off` is the greatest
difference of an answer's nats from those of `hf` in float32.
"""

import time
from collections.abc import Callable
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import AutoTokenizer

from benchmarks.report import arguments, publish
from feedback_pipeline.evaluation.lm_eval_model import LmEvalModel
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.evaluation.suites import Case, general_suite
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model

Answer = Callable[[list[Instance]], list[tuple[float, bool]]]
BATCH = 16
EXAMPLES = 5


def requests(tokenizer: Any, cases: list[Case], examples: list[Case]) -> list[Instance]:
    """One for each answer to each question, after `examples`."""
    shown = [message for case in examples for message in (*case.prompt, {"role": "assistant", "content": case.wanted})]
    asked = []
    for case in cases:
        context = tokenizer.apply_chat_template([*shown, *case.prompt], tokenize=False, add_generation_prompt=True)
        asked += [(context, answer) for answer in (case.wanted, *case.worse)]
    return [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(asked)]


def systems(base: BaseModel) -> dict[str, Answer]:
    def hf(dtype: str) -> Answer:
        answer: Answer = HFLM(str(base.folder), device="cpu", dtype=dtype, batch_size=BATCH).loglikelihood
        return answer

    ours = LmEvalModel(SharedWeights(base).base_model())
    return {"hf, float32": hf("float32"), "hf, bfloat16": hf("bfloat16"), "ours": ours.loglikelihood}


def main() -> None:
    options = arguments(str(__doc__))
    settings = Settings.from_environment()
    base = resolve_base_model(settings.base_model, settings.models)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    cases = list(general_suite().cases)
    examples, questions = cases[:EXAMPLES], cases[EXAMPLES : 25 if options.quick else None]
    works = {f"{len(shown)} examples": requests(tokenizer, questions, shown) for shown in ([], examples)}
    asked = systems(base)
    rows: list[dict[str, Any]] = []
    speeds: dict[tuple[str, str], float] = {}
    for work, wanted in works.items():
        exact: list[float] = []
        for system, answer in asked.items():
            answer(wanted[:2])
            start = time.perf_counter()
            nats = [-found for found, _ in answer(wanted)]
            seconds = time.perf_counter() - start
            exact = exact or nats
            off = max(abs(one - other) for one, other in zip(nats, exact, strict=True))
            speeds[work, system] = len(wanted) / seconds
            rows.append(
                {"work": work, "system": system, "seconds": seconds, "answers_per_s": speeds[work, system], "off": off}
            )
    ratios = {
        f"vs_{system.split()[-1]}_{work.replace(' ', '_')}": speeds[work, "ours"] / speeds[work, system]
        for work in works
        for system in ("hf, float32", "hf, bfloat16")
    }
    publish("likelihoods", f"{len(questions)} questions with four answers each", rows, ratios, options.json)


if __name__ == "__main__":
    main()
