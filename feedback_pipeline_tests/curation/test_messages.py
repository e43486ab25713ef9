from curation_rows import example, examples, said

from feedback_pipeline.curation.messages import whole_text


def test_a_whole_text_has_a_line_a_message_and_none_is_empty():
    talk = examples(example(prompt=said("user", "Why?") + said("assistant", "Because.")), example(prompt=None))
    assert talk.select(whole_text("prompt")).to_series().to_list() == ["Why?\nBecause.", ""]
