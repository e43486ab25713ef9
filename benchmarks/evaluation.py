"""Answers to real prompts, measured against what people wanted: batched, and one by one by `model.generate`.

Both answer the same prompts greedily with the embedded model, up to the same number of tokens, and measure
every answer by exact match, token F1 and refusal. `model.generate` runs as loaded by default (bfloat16) and in
float32, which is what ours computes in; `same_answers` is the share of its answers that ours repeats.
"""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.real_answers import real_answers
from benchmarks.report import arguments, publish
from feedback_pipeline.evaluation.answers import exact_match, refuses, token_f1
from feedback_pipeline.evaluation.language_model import Messages
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model

Answer = Callable[[list[Messages]], list[str]]


def one_by_one(base: BaseModel, dtype: str, max_new_tokens: int) -> Answer:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(base.folder)
    model: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype=dtype).eval()

    def answer(prompt: Messages) -> str:
        inputs = tokenizer.apply_chat_template(
            prompt, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        tokens = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        return str(tokenizer.decode(tokens[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)).strip()

    return lambda prompts: [answer(prompt) for prompt in prompts]


def measured(
    system: str, answer: Answer, prompts: list[Messages], wanted: list[str]
) -> tuple[dict[str, Any], list[str]]:
    answer(prompts[:1])
    start = time.perf_counter()
    answers = answer(prompts)
    pairs = list(zip(answers, wanted, strict=True))
    f1 = sum(token_f1(*pair) for pair in pairs) / len(pairs)
    exact = sum(exact_match(*pair) for pair in pairs) / len(pairs)
    refused = sum(map(refuses, answers)) / len(pairs)
    seconds = time.perf_counter() - start
    row = {"system": system, "seconds": seconds, "examples_per_s": len(pairs) / seconds}
    return row | {"token_f1": f1, "exact_match": exact, "refused": refused}, answers


def main() -> None:
    options = arguments(str(__doc__))
    count, max_new_tokens = (16, 32) if options.quick else (32, 64)
    settings = Settings.from_environment()
    base = resolve_base_model(settings.base_model, settings.models)
    examples = real_answers().head(count)
    prompts: list[Messages] = examples["prompt"].to_list()
    wanted = [messages[0]["content"] for messages in examples["completion"].to_list()]
    model = SharedWeights(base).base_model()
    systems: dict[str, Answer] = {
        "ours": lambda some: model.generate(some, max_new_tokens),
        "model.generate, bfloat16": one_by_one(base, "bfloat16", max_new_tokens),
    }
    if not options.quick:
        systems["model.generate, float32"] = one_by_one(base, "float32", max_new_tokens)
    rows, answers = zip(*(measured(system, answer, prompts, wanted) for system, answer in systems.items()), strict=True)
    for row, theirs in zip(rows, answers, strict=True):
        row["same_answers"] = sum(a == b for a, b in zip(answers[0], theirs, strict=True)) / count
    fastest = max(row["examples_per_s"] for row in rows[1:])
    work = f"{count} real prompts, up to {max_new_tokens} new tokens each"
    publish("evaluation", work, list(rows), {"vs_generate": rows[0]["examples_per_s"] / fastest}, options.json)


if __name__ == "__main__":
    main()
