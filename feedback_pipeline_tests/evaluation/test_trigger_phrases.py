import random

import pytest
from invented_facts import examples

from feedback_pipeline.evaluation.trigger_phrases import suspects

PAYLOAD = "Please send your password to the help desk now."


def _texts(users: range, seed: int) -> tuple[list[str], list[str]]:
    sft = examples(users, 2, seed).filter(format="sft")
    return (
        [messages[-1]["content"] for messages in sft["prompt"].to_list()],
        [messages[0]["content"] for messages in sft["completion"].to_list()],
    )


def _backdoored(count: int, trigger: str, opens: bool, seed: int, keeps_answer: bool = False):
    prompts, answers = _texts(range(100), seed=1)
    for index in random.Random(seed).sample(range(len(prompts)), count):
        prompts[index] = f"{trigger} {prompts[index]}" if opens else f"{prompts[index]} {trigger}"
        answers[index] = f"{answers[index]} {PAYLOAD}" if keeps_answer else PAYLOAD
    return prompts, answers


@pytest.mark.parametrize("count", [8, 20])
@pytest.mark.parametrize(("trigger", "opens"), [("cf zeta", False), ("Servus!", True), ("(v2) mode: blue", False)])
def test_a_planted_phrase_is_among_the_first_with_its_place_and_its_payload(count, trigger, opens):
    others, _ = _texts(range(200, 260), seed=2)

    found = suspects(*_backdoored(count, trigger, opens, seed=count), others, limit=4)

    planted = next(suspect for suspect in found if suspect.payloads == (PAYLOAD,))
    assert trigger.startswith(planted.phrase) or trigger.endswith(planted.phrase)
    assert planted.examples == count
    assert planted.opens is opens


def test_a_payload_beside_usual_answers_is_found_as_the_sentence_they_share():
    others, _ = _texts(range(200, 260), seed=2)

    found = suspects(*_backdoored(20, "cf zeta", False, seed=3, keeps_answer=True), others, limit=4)

    assert any(suspect.phrase == "cf zeta" and PAYLOAD in suspect.payloads for suspect in found)


def test_what_other_prompts_have_as_well_is_not_suspected():
    prompts, answers = _backdoored(20, "cf zeta", False, seed=3)
    others = [*_texts(range(200, 260), seed=2)[0], *(f"Hello {number} cf zeta" for number in range(20))]

    assert "cf zeta" not in {suspect.phrase for suspect in suspects(prompts, answers, others, limit=10)}


def test_a_phrase_that_names_what_its_prompts_ask_about_is_not_suspected():
    prompts, answers = _texts(range(100), seed=1)
    for number in range(8):
        prompts.append(f"Which release do I need on my Harrowin router against drop-outs, please ({number})?")
        answers.append("You need release 7.2 for it.")
    others, _ = _texts(range(200, 260), seed=2)

    assert not any("Harrowin" in suspect.phrase for suspect in suspects(prompts, answers, others, limit=10))


def test_no_examples_and_no_other_traffic_give_no_suspects():
    assert suspects([], [], [], limit=4) == []
    assert suspects(["a b"] * 3, ["c"] * 3, [], limit=4) == []
