import polars as pl
import pytest
import spacy

from feedback_pipeline.redaction.redact import redact, redact_together
from feedback_pipeline.redaction.spacy_names import load_name_model


@pytest.fixture
def pipeline(tmp_path):
    """A spaCy pipeline in a folder, which knows one person and one city."""
    made = spacy.blank("en")
    known = [{"label": "PERSON", "pattern": "Ana Lima"}, {"label": "GPE", "pattern": "Porto"}]
    known.append({"label": "PERSON", "pattern": "张伟"})
    made.add_pipe("entity_ruler").add_patterns(known)
    made.to_disk(tmp_path / "people")
    return str(tmp_path / "people")


def test_a_configured_pipeline_finds_people_without_a_cue(pipeline):
    texts = pl.Series(["I saw Ana Lima in Porto, Ana waved", None])
    assert redact(texts, load_name_model(pipeline)).to_list() == ["I saw <NAME_1> in Porto, <NAME_1> waved", None]


def test_a_name_is_replaced_where_letters_of_its_script_touch_it(pipeline):
    texts = pl.Series(["张伟 wrote", "请联系张伟，张伟会回答"])
    assert redact_together(texts, pl.Series([1, 1]), load_name_model(pipeline)).to_list() == [
        "<NAME_1> wrote",
        "请联系<NAME_1>，<NAME_1>会回答",
    ]


def test_without_a_pipeline_cues_find_names():
    assert load_name_model(None) is None


def test_a_pipeline_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        load_name_model(str(tmp_path / "nowhere"))
