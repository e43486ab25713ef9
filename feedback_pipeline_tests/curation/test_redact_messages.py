from curation_rows import example, examples, said

from feedback_pipeline.curation.redaction import redact_messages


def test_placeholders_are_shared_by_all_messages_of_an_example_and_no_further():
    first = example("x1", question="I am a@b.org, not c@d.org", answer="Noted: c@d.org")
    second = example("x2", question="I am c@d.org")
    clean = example("x3", chosen=said("assistant", "Plain."))
    found = redact_messages(examples(first, second, clean))
    assert found["prompt"].list.first().struct.field("content").to_list() == [
        "I am <EMAIL_1>, not <EMAIL_2>",
        "I am <EMAIL_1>",
        "How do I reset the lamp?",
    ]
    assert found["completion"][0].to_list() == said("assistant", "Noted: <EMAIL_2>")
    assert found[2].equals(examples(clean))


def test_a_question_told_from_its_prompt_has_the_prompts_placeholders():
    prompt = said("user", "Passage: write to a@b.org\nQuestion: Is c@d.org me?")
    told = examples(example("x1", prompt=prompt) | {"question": "Is c@d.org me?"}, example("x2"))
    found = redact_messages(told)
    assert found["prompt"][0][0]["content"] == "Passage: write to <EMAIL_1>\nQuestion: Is <EMAIL_2> me?"
    assert found["question"].to_list() == ["Is <EMAIL_2> me?", None]
