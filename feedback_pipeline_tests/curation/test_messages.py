from curation_rows import example, examples, said

from feedback_pipeline.curation.messages import last_user_message, whole_text


def test_the_last_thing_a_user_said_is_the_question():
    talk = said("system", "Be brief.") + said("user", "First?") + said("assistant", "Yes.") + said("user", "Second?")
    left_open = [*talk, *said("assistant", "Still there?")]
    asked = examples(example(prompt=talk), example(prompt=left_open), example(prompt=[]))
    assert asked.select(last_user_message()).to_series().to_list() == ["Second?", "Second?", None]


def test_a_whole_text_has_a_line_a_message_and_none_is_empty():
    talk = examples(example(prompt=said("user", "Why?") + said("assistant", "Because.")), example(prompt=None))
    assert talk.select(whole_text("prompt")).to_series().to_list() == ["Why?\nBecause.", ""]
