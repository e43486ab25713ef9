"""What an evaluation or a user's reaction, as an event, says about an answer; `otel_genai` shows the records."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.otel_signals import Signal, answer_ids, ended, ids, parent_of, text
from feedback_pipeline.ingestion.formats.otlp import Record, any_value
from feedback_pipeline.ingestion.formats.reading import Reading
from feedback_pipeline.ingestion.formats.score_values import labelled, number, rating, thumb
from feedback_pipeline.ingestion.records import Feedback, RecordError

EVALUATION = "gen_ai.evaluation.result"
# What Azure had people's feedback written as before there was an event of evaluations.
USER_FEEDBACK = "gen_ai.evaluation.user_feedback"
_REACTION = "gen_ai.evaluation.score"
_NAME, _VALUE, _LABEL = "gen_ai.evaluation.name", "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"
_EXPLANATION = "gen_ai.evaluation.explanation"
# The conventions have no id of an evaluation.
_IDS = ("feedback_id", "microsoft.gen_ai.human_evaluation.id", "log.record.uid")
_SOURCE, _ACTOR = "microsoft.gen_ai.human_evaluation.source", "microsoft.gen_ai.evaluation.actor.type"
_SOURCES = ("end_user", "builder")
_THUMBS = ("user_feedback", "user-feedback", "user_score", "user-score", "thumbs")
_ALWAYS_UP = frozenset(("up", "thumb_up", "thumbs_up", "thumbsup", "like", "liked", "👍"))
_ALWAYS_DOWN = frozenset(("down", "thumb_down", "thumbs_down", "thumbsdown", "dislike", "disliked", "👎"))
_UP = frozenset(("good", "positive", "pass", "passed", "correct", "helpful", "yes", "true"))
_DOWN = frozenset(("bad", "negative", "fail", "failed", "incorrect", "unhelpful", "not_helpful", "no", "false"))


def evaluation(signal: Signal, reading: Reading) -> Iterator[Feedback]:
    """Yield each thing an evaluation says, the first by its id. Raises `RecordError`."""
    told = signal.attributes
    if (error := text(told, "error.type")) is not None:
        raise RecordError(f"error.type: the evaluation failed ({error:.80})")
    name = text(told, _NAME)
    if name is None:
        raise RecordError(f"{_NAME}: missing")
    _check_person(told, name, reading)
    found = list(_said(told, name, reading))
    if not found:
        raise RecordError(f"{_VALUE}: missing, and so are {_LABEL} and {_EXPLANATION}")
    yield from _named(found, signal, reading)


def evaluation_span(span: Signal, reading: Reading) -> Iterator[Feedback]:
    """As `evaluation`, of a span that stands for the event: it is about the span it is inside."""
    yield from evaluation(replace(span, span_id=parent_of(span)), reading)


def user_feedback(signal: Signal, reading: Reading) -> Iterator[Feedback]:
    """As `evaluation`, of Azure's earlier event: its score is from -1 to 1, its comment in the body."""
    value, body = signal.attributes.get(_REACTION), decoded(any_value(signal.raw.get("body")))
    found: list[tuple[str, Record]] = []
    if value not in (None, ""):
        score = number(value, _REACTION)
        is_thumb = score in (-1, 1)
        found.append(("score", thumb(score == 1, _REACTION) if is_thumb else rating(score, (-1.0, 1.0), _REACTION)))
    if isinstance(body, dict) and (comment := text(body, "comment")) is not None:
        found.append(("comment", {"kind": "comment", "text": comment}))
    if not found:
        raise RecordError(f"{_REACTION}: missing, and there is no comment in the body")
    yield from _named(found, signal, reading)


def _named(found: list[tuple[str, Record]], signal: Signal, reading: Reading) -> Iterator[Feedback]:
    about, own = _about(signal, reading), text(signal.attributes, *_IDS)
    for position, (part, fields) in enumerate(found):
        yield Feedback(feedback_id=own and (f"{own}-{part}" if position else own), **fields, **about)


def _check_person(told: Record, name: str, reading: Reading) -> None:
    """Raise `RecordError` where a model may have given it: most evaluations are a judge's, and none says so."""
    source, actor = text(told, _SOURCE), text(told, _ACTOR)
    if source is not None and source not in reading.options.get("sources", _SOURCES):
        raise RecordError(f"{_SOURCE}: {source!r:.80} is not declared (options.sources)")
    declared = (*_thumbs(reading), *reading.scales, *reading.options.get("evaluations", ()))
    if source is None and actor != "human" and name not in declared and _thumb_word(text(told, _LABEL), False) is None:
        raise RecordError(f"{_NAME}: {name!r:.80} may be a model's; people's are to be declared (options.evaluations)")


def _thumbs(reading: Reading) -> tuple[str, ...]:
    return tuple(reading.options.get("thumbs", _THUMBS))


def _about(signal: Signal, reading: Reading) -> Record:
    # Who gave it is told by the event alone: the span's user is who asked.
    own = ids(signal.attributes, reading)
    session = own["session_id"] or ids(signal.span_attributes, reading)["session_id"]
    about = answer_ids(signal, reading)
    if not about and session is None:
        raise RecordError("spanId: missing, so this is about no answer")
    return {
        **own,
        "interaction_id": about[0] if about else None,
        "session_id": session,
        "observed_at": ended(signal, reading),
    }


def _said(told: Record, name: str, reading: Reading) -> Iterator[tuple[str, Record]]:
    value, word = told.get(_VALUE), text(told, _LABEL)
    if isinstance(value, str) and not value.strip():
        value = None
    properties = _properties(told)
    scale = reading.scales.get(name) or _own_scale(properties)
    is_thumb = scale is None and (name in _thumbs(reading) or properties.get("gen_ai.evaluation.type") == "boolean")
    label = _thumb_word(word, judging=is_thumb or scale is not None or text(told, _SOURCE) is not None)
    if scale is not None and value is not None:
        yield "score", rating(value, scale, _VALUE)
        # The label of a score on a scale says whether it passed, which the score says already.
        label, word = None, None if label else word
    elif label is None and is_thumb and value is not None:
        yield "score", thumb(value, _VALUE)
    elif value is not None and word is None:
        # Raises: a number says nothing without its scale.
        yield "score", rating(value, reading.scale(name), _VALUE)
    if word is not None:
        yield "label", {"kind": "thumb", "label": label} if label else labelled(word, reading)
    if (comment := text(told, _EXPLANATION)) is not None:
        yield "comment", {"kind": "comment", "text": comment}


def _thumb_word(word: str | None, judging: bool) -> str | None:
    """`up` or `down`; words of tests and opinions too, where the evaluation is known to be a person's."""
    plain = (word or "").strip().lower().replace(" ", "_").replace("-", "_")
    if plain in _ALWAYS_UP or (judging and plain in _UP):
        return "up"
    return "down" if plain in _ALWAYS_DOWN or (judging and plain in _DOWN) else None


def _properties(told: Record) -> Record:
    """What Azure's evaluations say about their own scale."""
    properties = decoded(told.get("internal_properties"))
    return properties if isinstance(properties, dict) else {}


def _own_scale(properties: Record) -> tuple[float, float] | None:
    found: list[Any] = [properties.get(f"gen_ai.evaluation.{end}_value") for end in ("min", "max")]
    if None in found or properties.get("gen_ai.evaluation.type") == "boolean":
        return None
    if properties.get("gen_ai.evaluation.desirable_direction") == "decrease":
        raise RecordError("internal_properties: of this score less is better, which no rating can say")
    worst, best = (number(each, "internal_properties") for each in found)
    return worst, best
