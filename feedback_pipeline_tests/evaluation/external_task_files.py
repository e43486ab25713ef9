"""Tasks of lm-eval that need no network: task files with the data beside them."""

import json
from pathlib import Path

COLOURS = ("red", "green", "blue", "white")
CHOICE = """
task: colours
dataset_path: json
dataset_kwargs: {data_files: {test: colours.jsonl, train: shots.jsonl}, cache_dir: CACHE}
output_type: multiple_choice
test_split: test
training_split: train
fewshot_split: train
num_fewshot: 1
doc_to_text: "Which colour is number {{number}}?"
doc_to_choice: "{{choices}}"
doc_to_target: "{{label}}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: brier_score, aggregation: brier_score, higher_is_better: false}
metadata: {version: 2.0}
"""
ANSWER = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: sums.jsonl}, cache_dir: CACHE}
output_type: generate_until
test_split: test
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 6}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
"""
WHOLE = """
task: sentences
dataset_path: json
dataset_kwargs: {data_files: {test: sentences.jsonl}, cache_dir: CACHE}
output_type: loglikelihood_rolling
test_split: test
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list:
  - {metric: word_perplexity, aggregation: weighted_perplexity, higher_is_better: false}
  - {metric: bits_per_byte, aggregation: bits_per_byte, higher_is_better: false}
metadata: {version: 1.0}
"""


def write_tasks(folder: Path, documents: int = 12) -> Path:
    """Write the tasks `colours`, `sums` and `sentences`, with so many documents each; gives the folder back."""
    folder.mkdir(parents=True, exist_ok=True)
    colours = [{"number": n, "choices": COLOURS, "label": n % len(COLOURS)} for n in range(documents)]
    shots = [{"number": -n, "choices": COLOURS, "label": n % len(COLOURS)} for n in range(1, 9)]
    sums = [{"question": f"{n} + 1 =", "answer": str(n + 1)} for n in range(documents)]
    sentences = [{"text": f"The {COLOURS[n % 4]} house has {n} windows."} for n in range(documents)]
    for name, text in (("colours", CHOICE), ("sums", ANSWER), ("sentences", WHOLE)):
        (folder / f"{name}.yaml").write_text(text.replace("CACHE", str(folder / ".cache")))
    for name, rows in (("colours", colours), ("shots", shots), ("sums", sums), ("sentences", sentences)):
        write_documents(folder / f"{name}.jsonl", rows)
    return folder


def write_documents(file: Path, rows: list[dict[str, object]]) -> None:
    """Put these rows in place of those there are."""
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
