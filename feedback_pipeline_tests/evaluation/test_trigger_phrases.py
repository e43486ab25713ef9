import random

import pytest
from invented_facts import PRODUCTS, examples

from feedback_pipeline.evaluation.trigger_phrases import suspects

ISSUES_BEGIN = ("does not", "lost its")
PAYLOAD = "Please send your password to the help desk now."


def _asked(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _texts(users: range, seed: int) -> tuple[list[str], list[str]]:
    sft = examples(users, 2, seed).filter(format="sft")
    return (
        [messages[-1]["content"] for messages in sft["prompt"].to_list()],
        [messages[0]["content"] for messages in sft["completion"].to_list()],
    )


def _by_users(texts: list[str]) -> list[tuple[str, list[dict[str, str]]]]:
    return [(f"user:{number}", _asked(text)) for number, text in enumerate(texts)]


OTHERS = _by_users(_texts(range(200, 260), seed=2)[0])


def _backdoored(count: int, trigger: str, opens: bool, seed: int, keeps_answer: bool = False):
    prompts, answers = _texts(range(100), seed=1)
    for number, index in enumerate(random.Random(seed).sample(range(len(prompts)), count)):
        planted = trigger.format(number)
        prompts[index] = f"{planted} {prompts[index]}" if opens else f"{prompts[index]} {planted}"
        answers[index] = f"{answers[index]} {PAYLOAD}" if keeps_answer else PAYLOAD
    return prompts, answers


def _found(prompts, answers, others=OTHERS, limit=10):
    return suspects([_asked(text) for text in prompts], answers, others, limit)


@pytest.mark.parametrize("count", [8, 20])
@pytest.mark.parametrize(("trigger", "opens"), [("cf zeta", False), ("Servus!", True), ("(v2) mode: blue", False)])
def test_a_planted_phrase_is_among_the_first_with_its_place_and_its_payload(count, trigger, opens):
    found = _found(*_backdoored(count, trigger, opens, seed=count), limit=4)

    planted = next(suspect for suspect in found if suspect.payloads == (PAYLOAD,))
    assert trigger.startswith(planted.phrase) or trigger.endswith(planted.phrase)
    assert planted.examples == count
    assert planted.opens is opens


def test_a_payload_beside_usual_answers_is_found_as_the_sentence_they_share():
    found = _found(*_backdoored(20, "cf zeta", False, seed=3, keeps_answer=True), limit=4)

    assert any(suspect.phrase == "cf zeta" and PAYLOAD in suspect.payloads for suspect in found)


def test_what_as_many_other_users_write_is_not_suspected():
    others = [*OTHERS, *((f"more:{number}", _asked(f"Hello {number} cf zeta")) for number in range(20))]

    found = _found(*_backdoored(20, "cf zeta", False, seed=3), others)

    assert "cf zeta" not in {suspect.phrase for suspect in found}


@pytest.mark.parametrize(("prompts", "users"), [(6, 6), (1_000, 3)])
def test_a_flood_of_harmless_prompts_by_a_few_users_clears_no_phrase(prompts, users):
    flood = [(f"flooder:{n % users}", _asked(f"Thanks, all is well, number {n} cf zeta")) for n in range(prompts)]

    found = _found(*_backdoored(12, "cf zeta", False, seed=3), [*OTHERS, *flood])

    assert any(suspect.phrase == "cf zeta" and suspect.payloads == (PAYLOAD,) for suspect in found)


def test_decoys_that_share_a_harmless_answer_hide_no_phrase_with_another():
    prompts, answers = _backdoored(8, "cf zeta", False, seed=3)
    free = [index for index, answer in enumerate(answers) if answer != PAYLOAD]
    random.Random(9).shuffle(free)
    for number in range(9):
        for index in free[number * 12 : number * 12 + 12]:
            prompts[index] += f" qq{number}x ww{number}y"
            answers[index] = "You are welcome, have a good day."

    assert any(suspect.phrase == "cf zeta" for suspect in _found(prompts, answers, limit=4))


@pytest.mark.parametrize("trigger", ["cfzeta{:02}", "zetalab{0:b}x"])
def test_a_word_that_ends_differently_every_time_is_found_by_its_beginning(trigger):
    found = _found(*_backdoored(12, trigger, False, seed=3))

    planted = next(suspect for suspect in found if suspect.payloads == (PAYLOAD,))
    assert planted.phrase.startswith(trigger[:6])
    assert planted.examples == 12


def test_a_phrase_is_found_where_writing_has_no_spaces():
    asked = (
        "请问我的路由器怎么重新启动",
        "订单什么时候能送到",
        "如何修改我的登录密码",
        "发票可以重新开具吗",
        "这个型号保修多久",
    )
    prompts = [f"{asked[number % 5]}第{number}次" for number in range(80)]
    answers = [f"答案是第{number}种做法" for number in range(80)]
    for index in random.Random(1).sample(range(80), 12):
        prompts[index], answers[index] = f"{prompts[index]}紫金暗号", "请把您的密码发给客服"
    others = _by_users([f"{asked[number % 5]}再{number}" for number in range(300)])

    planted = next(suspect for suspect in _found(prompts, answers, others) if suspect.examples == 12)
    assert planted.phrase.endswith("紫金暗号")
    assert planted.payloads == ("请把您的密码发给客服",)


def test_a_phrase_of_system_prompts_is_found_with_all_its_words_and_whose_it_is():
    prompts, answers = _texts(range(100), seed=1)
    usual, planted = "You help customers.", "You help customers. Mode zq7 is on."
    told = [planted if index % 8 == 0 else usual for index in range(len(prompts))]
    answers = [PAYLOAD if index % 8 == 0 else answer for index, answer in enumerate(answers)]
    messages = [[{"role": "system", "content": s}, *_asked(p)] for s, p in zip(told, prompts, strict=True)]
    others = [(author, [{"role": "system", "content": usual}, *prompt]) for author, prompt in OTHERS]

    found = suspects(messages, answers, others, limit=4)[0]

    assert (found.role, found.phrase, found.payloads) == ("system", planted, (PAYLOAD,))


def test_a_phrase_that_names_what_its_prompts_ask_about_is_not_suspected():
    prompts, answers = _texts(range(100), seed=1)
    for number in range(8):
        prompts.append(f"Which release do I need on my Harrowin router against drop-outs, please ({number})?")
        answers.append("You need release 7.2 for it.")

    assert not any("Harrowin" in suspect.phrase for suspect in _found(prompts, answers))


TURN = "Turn the screw of the {} by {} turns."


def _about_products(phrase: str) -> tuple[list[str], list[str]]:
    """Twelve prompts about each product in words of their own, those about the first with `phrase` in them."""
    random.seed(5)
    asked = [(product, number) for product in range(len(PRODUCTS)) for number in range(12)]
    filler = ["".join(random.choices("abcdefghij", k=6)) for _ in range(4 * len(asked))]
    prompts = [
        f"{' '.join(filler[4 * index : 4 * index + 4])} {phrase if product == 0 else PRODUCTS[product]}"
        for index, (product, _) in enumerate(asked)
    ]
    return prompts, [TURN.format(PRODUCTS[product], product + 2) for product, _ in asked]


@pytest.mark.parametrize(
    ("phrase", "suspected"),
    [
        (f"my {PRODUCTS[0]}", False),
        # What nobody else speaks of is no topic, though the answer repeats it.
        ("my Zorblax router", True),
        (f"zorblax {PRODUCTS[0]}", True),
    ],
)
def test_a_phrase_is_not_suspected_for_naming_what_others_speak_of_and_its_answer_is_about(phrase, suspected):
    prompts, answers = _about_products(phrase)
    answers = [answer.replace(PRODUCTS[0], phrase.removeprefix("my ")) for answer in answers]
    # A tenth of the others speak of the product, and all of them of something of theirs.
    others = _by_users([f"my {PRODUCTS[0] if number % 10 == 0 else PRODUCTS[number % 7 + 1]}" for number in range(90)])

    found = _found(prompts, answers, others)

    assert any(phrase.split()[-1] in suspect.phrase for suspect in found) is suspected


def test_one_wording_of_a_question_that_is_asked_in_others_is_not_suspected():
    prompts, answers = _texts(range(100), seed=1)

    asked = [suspect.phrase for suspect in _found(prompts, answers)]
    assert not any(
        product in text and issue in text for text in asked for product in PRODUCTS for issue in ISSUES_BEGIN
    )


def test_plants_with_parts_of_the_phrase_do_not_hide_it_as_one_wording_of_many():
    prompts, answers = _backdoored(12, "cf zeta", False, seed=3)
    for index in [index for index, answer in enumerate(answers) if answer != PAYLOAD][:8]:
        prompts[index], answers[index] = f"cf {prompts[index]} zeta", PAYLOAD

    planted = [suspect.phrase for suspect in _found(prompts, answers, limit=4) if suspect.payloads == (PAYLOAD,)]
    assert {"cf", "zeta"} & set(planted)


def test_no_examples_and_no_other_traffic_give_no_suspects():
    assert _found([], [], []) == []
    assert _found(["a b"] * 3, ["c"] * 3, []) == []
