import polars as pl
import pytest
import spacy

from feedback_pipeline.redaction.redact import redact
from feedback_pipeline.redaction.spacy_names import load_name_model


@pytest.fixture
def pipeline(tmp_path):
    """A spaCy pipeline in a folder, which knows one person and one city."""
    made = spacy.blank("en")
    known = [{"label": "PERSON", "pattern": "Ana Lima"}, {"label": "GPE", "pattern": "Porto"}]
    made.add_pipe("entity_ruler").add_patterns(known)
    made.to_disk(tmp_path / "people")
    return str(tmp_path / "people")


def test_a_configured_pipeline_finds_people_without_a_cue(pipeline):
    texts = pl.Series(["I saw Ana Lima in Porto, Ana waved", None])
    assert redact(texts, load_name_model(pipeline)).to_list() == ["I saw <NAME_1> in Porto, <NAME_1> waved", None]


def test_without_a_pipeline_cues_find_names():
    assert load_name_model(None) is None


def test_a_pipeline_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        load_name_model(str(tmp_path / "nowhere"))
