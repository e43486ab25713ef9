"""Tasks of lm-eval: what can be asked, and what a policy is told that asks for anything else."""

import json
import socket
import sys
from dataclasses import replace
from importlib.metadata import version

import pytest
from external_task_files import write_tasks

from feedback_pipeline.evaluation.external_suite import evaluator, external_suite
from feedback_pipeline.evaluation.external_tasks import ExternalTasksError, check_names, load_tasks

TASKS = ("colours", "sums")


@pytest.fixture
def folder(tmp_path):
    return write_tasks(tmp_path / "tasks")


def changed(folder, task, old, new):
    file = folder / f"{task}.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return folder


def test_the_suite_is_the_first_documents_of_each_task_each_its_own_cluster(folder):
    suite = external_suite(load_tasks(TASKS, folder), limit=2)

    assert [case.example_id for case in suite.cases] == ["colours/0", "colours/1", "sums/0", "sums/1"]
    assert [case.group_id for case in suite.cases] == [case.example_id for case in suite.cases]
    assert "Which colour is number 1?" in json.loads(suite.cases[1].content)[1][0][0]
    assert len(external_suite(load_tasks(TASKS, folder), limit=None).cases) == 24


def test_the_suites_hash_is_the_same_elsewhere_and_covers_documents_prompts_and_measures(folder, tmp_path):
    def sha256(place, names=TASKS, limit=3):
        return external_suite(load_tasks(names, place), limit).sha256

    known = sha256(folder)

    assert sha256(write_tasks(tmp_path / "elsewhere")) == known
    (folder / "sums.jsonl").write_text((folder / "sums.jsonl").read_text().replace('"1"', '"one"'))
    assert sha256(folder) != known
    prompt = changed(write_tasks(tmp_path / "prompt"), "sums", '"{{question}}"', '"{{question}} ?"')
    measure = changed(write_tasks(tmp_path / "measure"), "sums", "{metric: exact_match", "{metric: exact_match, a: b")
    release = changed(write_tasks(tmp_path / "release"), "sums", "version: 1.0", "version: 1.1")
    hashes = [sha256(place) for place in (prompt, measure, release)]
    hashes += [sha256(write_tasks(tmp_path / "more"), limit=4), sha256(tmp_path / "more", ("sums",))]
    assert len({known, *hashes}) == 6


def test_the_evaluator_names_lm_eval_tasks_and_limit(folder):
    named = evaluator(load_tasks(TASKS, folder), 100, chat_template=True)

    assert named == f"lm-eval {version('lm-eval')}, 100 documents a task, chats: colours 2.0, sums 1.0"


@pytest.mark.slow
def test_a_group_is_its_tasks_under_one_name(folder):
    (folder / "both.yaml").write_text("group: both\ntask: [colours, sums]\n")

    (both,) = load_tasks(("both",), folder)

    assert (both.name, sorted(both.parts)) == ("both", ["colours", "sums"])
    with pytest.raises(ExternalTasksError, match="name sums more than once"):
        load_tasks(("both", "sums"), folder)


@pytest.mark.slow
def test_a_task_that_nobody_knows_is_named_with_what_is_near_it(folder):
    with pytest.raises(ExternalTasksError, match=r"knows arc_eesy; near it: .*arc_easy"):
        check_names(("colours", "arc_eesy"), folder)
    check_names(("colours", "arc_easy"), folder)


def test_without_the_extra_the_policy_is_told_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval.tasks", None)

    with pytest.raises(ExternalTasksError, match=r"colours.* need the extra lm-eval: pip install"):
        check_names(("colours",), folder)
    check_names((), folder)


@pytest.mark.parametrize(
    ("task", "old", "new", "told"),
    [
        ("sums", "max_gen_toks: 6", "temperature: 0.7, do_sample: true", "sums: it samples answers"),
        ("sums", "task: sums", "task: sums\nunsafe_code: true", "sums: it runs what models write"),
        ("sums", "task: sums", 'task: sums\ndoc_to_image: "{{question}}"', "sums: it asks about more than text"),
        ("sums", "sums.jsonl", "none.jsonl", "cannot load sums: .*none.jsonl"),
        ("colours", "{metric: acc, aggregation: mean", "{metric: mcc, aggregation: matthews_corrcoef", "no value for"),
    ],
)
def test_a_task_whose_models_cannot_be_compared_by_document_is_refused_by_name(folder, task, old, new, told):
    with pytest.raises(ExternalTasksError, match=told):
        load_tasks((task,), changed(folder, task, old, new))


def test_examples_in_prompts_are_the_same_however_often_a_task_is_asked(folder):
    (task,) = load_tasks(("colours",), folder)

    first, again = (external_suite((task,), limit=None) for _ in range(2))

    assert first == again
    assert external_suite((replace(task),), limit=5).cases == tuple(c for c in first.cases if c.number < 5)


def test_tasks_with_their_data_beside_them_need_no_network(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: asked.append(host) or [])
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))

    assert len(external_suite(load_tasks(TASKS, folder), limit=None).cases) == 24
    assert asked == []
