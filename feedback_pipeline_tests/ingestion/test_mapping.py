import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from feedback_pipeline.ingestion.mapping import declaration
from feedback_pipeline.ingestion.mapping.compiler import compile_mapping
from feedback_pipeline.ingestion.mapping.declaration import Mapping, zone
from feedback_pipeline.ingestion.parsed import PARSED_FEEDBACK, PARSED_INTERACTIONS
from feedback_pipeline.ingestion.records import Feedback, Interaction, Item, RecordError, parse_records

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ASKED = [{"role": "user", "content": "Why?"}]
COMMON = "common: {session_id: s, observed_at: {base: 2026-01-05T12:00:00Z}}\n"
ANSWER = COMMON + 'interactions: [{interaction_id: "a-{id}", question: "{q}", response: "{a}"}]\n'


def items(text: str, record: dict[str, Any], timezone: str = "UTC") -> list[Any]:
    return list(compile_mapping(Mapping.model_validate(yaml.safe_load(text)), zone(timezone))(record))


def feedback(fields: str, record: dict[str, Any]) -> Any:
    [item] = items(f"{COMMON}feedback:\n  - {{{fields}}}", record)
    return item


def answer(fields: str, record: dict[str, Any]) -> Any:
    [item] = items(f"{COMMON}interactions:\n  - {{interaction_id: a, response: ok, {fields}}}", record)
    return item


def time(declared: str, record: dict[str, Any], timezone: str = "UTC") -> datetime:
    text = f"interactions: [{{interaction_id: a, question: q, response: r, observed_at: {declared}}}]"
    [item] = items(text, record, timezone)
    return item.observed_at


def test_a_question_and_an_answer_make_an_interaction() -> None:
    assert items(ANSWER, {"id": 7, "q": "Why?", "a": "Because."}) == [
        Interaction(
            interaction_id="a-7",
            session_id="s",
            turn=0,
            prompt_messages=[{"role": "user", "content": "Why?"}],
            response="Because.",
            observed_at=NOON,
        )
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"q": "Why?", "a": "Because."}, "interaction_id: nothing at `id`"),
        ({"id": " ", "q": "Why?", "a": "Because."}, "interaction_id: nothing at `id`"),
        ({"id": 1, "a": "Because."}, "question: nothing at `{q}`"),
        ({"id": 1, "q": "Why?", "a": ""}, "response: nothing at `{a}`"),
        ({"id": 1, "q": "Why?", "a": ["Because."]}, "response: ['Because.'] is not a text"),
        ({"id": 1, "q": "Why?", "a": "\ud800"}, "response: half a surrogate pair is no character"),
    ],
)
def test_a_record_without_what_is_needed_is_rejected_with_the_field(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(RecordError) as error:
        items(ANSWER, record)
    assert str(error.value) == reason


def test_paths_reach_into_objects_and_lists_from_either_end() -> None:
    record = {"chat": {"id": "x"}, "said": [{"t": "one"}, {"t": "two"}]}
    made = answer('question: "{said.0.t}", session_id: "{chat.id}", model_version: "{said.-1.t}"', record)
    assert (made.prompt_messages[0]["content"], made.session_id, made.model_version) == ("one", "x", "two")


def test_a_value_that_is_nowhere_leaves_an_optional_field_empty() -> None:
    assert answer('question: q, user_id: "{user.id}"', {"user": [1]}).user_id is None


def test_doubled_braces_are_plain_ones() -> None:
    assert answer('question: "{{{x}}}"', {"x": 1}).prompt_messages[0]["content"] == "{1}"


def test_hash_gives_an_id_to_records_that_have_none() -> None:
    first, again, other = (answer('question: "{q}", session_id: "q-{q|hash}"', {"q": q}) for q in ("a", "a", "b"))
    assert first.session_id == again.session_id != other.session_id
    assert len(first.session_id) == len("q-") + 16


def test_a_declared_value_may_be_blank_where_the_records_may_not() -> None:
    text = 'let: {hint: {path: short, map: {0: "", 1: " Be brief."}}}\n' + ANSWER.replace('"{q}"', '"{q}{hint}"')
    prompts = [items(text, {"id": 1, "q": "Why?", "a": "x", "short": s})[0].prompt_messages for s in (0, "0", 1.0)]
    assert [prompt[0]["content"] for prompt in prompts] == ["Why?", "Why?", "Why? Be brief."]


def test_a_field_called_item_is_reached_through_let() -> None:
    made = items(
        "let: {thing: '{item.name}'}\n" + ANSWER.replace('"{q}"', '"{thing}"'),
        {"item": {"name": "x"}, "id": 1, "a": "y"},
    )
    assert made[0].prompt_messages[0]["content"] == "x"


def test_messages_are_taken_with_their_roles_translated_and_the_system_prompt_apart() -> None:
    declared = (
        "messages: {path: chat, role: from, content: value, roles: {human: user, gpt: assistant}}, question: '{q}'"
    )
    chat = [{"from": who, "value": text} for who, text in [("system", "Be kind."), ("human", "Hi"), ("gpt", "Hello")]]
    made = answer(declared, {"chat": chat, "q": "Why?"})
    assert made.system_context == "Be kind."
    assert [(m["role"], m["content"]) for m in made.prompt_messages] == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Why?"),
    ]
    assert made.turn == 1


@pytest.mark.parametrize(
    "chat", [[], None, "Hi", [["user", "Hi"]], [{"role": "user", "content": {}}], [{"content": "Hi"}]]
)
def test_what_is_no_list_of_messages_rejects_the_record(chat: object) -> None:
    with pytest.raises(RecordError, match=r"^prompt_messages: "):
        answer("messages: {path: chat}", {"chat": chat})


def test_a_list_explodes_into_items_that_see_element_index_and_parent() -> None:
    text = COMMON + "feedback: [{kind: tag, each: tags, interaction_id: 'a-{id}-{index}', label: '{item.name}'}]"
    made = items(text, {"id": 3, "tags": [{"name": "x"}, {"name": "y"}]})
    assert [(item.interaction_id, item.label) for item in made] == [("a-3-0", "x"), ("a-3-1", "y")]


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ("{path: x, present: true}", [1, "1", "1.0", 2, False]),
        ("{path: x, absent: true}", [None, ""]),
        ("{path: x, equals: 1}", [1, "1"]),
        ("{path: x, not_equals: 1}", [None, "", "1.0", 2, False]),
        ("{path: x, in: [2, false]}", [2, False]),
        ("{path: x, present: true, differs_from: y}", [1, "1.0", 2, False]),
        ("[{path: x, present: true}, {path: x, not_equals: 2}]", [1, "1", "1.0", False]),
    ],
)
def test_items_are_taken_where_their_conditions_hold(condition: str, taken: list[object]) -> None:
    text = ANSWER + f"feedback: [{{kind: copy, interaction_id: a, when: {condition}}}]"
    candidates = [None, "", 1, "1", "1.0", 2, False]
    met = [x for x in candidates if len(items(text, {"id": 1, "q": "q", "a": "a", "x": x, "y": "1"})) == 2]
    assert [repr(x) for x in met] == [repr(x) for x in taken]


def test_a_record_that_nothing_can_be_taken_from_is_rejected_with_what_was_looked_at() -> None:
    text = COMMON + "feedback: [{kind: comment, when: {path: note, present: true}, text: '{note}'}]"
    with pytest.raises(RecordError, match=r"^nothing to take: nothing usable at note$"):
        items(text, {"note": "  "})


def test_a_rating_carries_its_scale() -> None:
    made = feedback("kind: rating, interaction_id: a, rating: {path: stars, min: 1, max: 5}", {"stars": "4.0"})
    assert (made.rating, made.rating_min, made.rating_max) == (4.0, 1.0, 5.0)


@pytest.mark.parametrize("stars", ["many", True, [], "nan", 10**400])
def test_a_rating_that_is_no_number_rejects_the_record(stars: object) -> None:
    with pytest.raises(RecordError, match=r"^rating: .* is not a number$"):
        feedback("kind: rating, interaction_id: a, rating: {path: stars, min: 1, max: 5}", {"stars": stars})


def test_a_category_is_said_in_our_words_or_the_record_is_rejected() -> None:
    declared = "kind: reason, interaction_id: a, category: {path: c, map: {Wrong: factually_incorrect}}"
    assert feedback(declared, {"c": "Wrong"}).category == "factually_incorrect"
    with pytest.raises(RecordError, match=r"^category: 'Odd' at `c` is not in the map$"):
        feedback(declared, {"c": "Odd"})
    assert feedback(declared.replace("}}", "}, default: other}"), {"c": "Odd"}).category == "other"


def test_feedback_that_was_deleted_is_taken_back() -> None:
    fields = "kind: comment, feedback_id: f, interaction_id: a, retracted: true, when: {path: gone, present: true}"
    assert feedback(fields, {"gone": "2026-01-06"}).retracted is True


def test_a_range_gives_the_passage_and_must_lie_in_it() -> None:
    declared = "kind: highlight, interaction_id: a, range: {start: s, end: e, of: answer}"
    made = feedback(declared, {"s": 2, "e": 4, "answer": "abcdef"})
    assert (made.range_start, made.range_end, made.text) == (2, 4, "cd")
    with pytest.raises(RecordError, match=r"^range_end: 2 to 7 lies outside `answer` \(0 to 6\)$"):
        feedback(declared, {"s": 2, "e": 7, "answer": "abcdef"})


def test_an_edit_may_propose_to_delete() -> None:
    declared = "kind: inline_edit, interaction_id: a, proposed_text: {path: new, default: ''}"
    assert feedback(declared, {"new": ""}).proposed_text == ""


@pytest.mark.parametrize(
    ("choice", "expected"), [("A", ("a", "b", None)), ("B", ("b", "a", None)), ("none", ("a", "b", "tie"))]
)
def test_a_preference_names_the_better_answer_first(choice: str, expected: tuple[str, str, str | None]) -> None:
    declared = "kind: preference, between: [a, b], preferred: {path: p, map: {A: first, B: second, none: tie}}"
    made = feedback(declared, {"p": choice})
    assert (made.interaction_id, made.other_interaction_id, made.label) == expected


@pytest.mark.parametrize(
    ("declared", "value", "zone_name", "expected"),
    [
        ("{path: t}", "2026-07-01 12:00:00", "Europe/Berlin", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("{path: t}", "2026-07-01T12:00:00+05:00", "Europe/Berlin", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("{path: t, timezone: UTC}", "2026-07-01 12:00:00", "Europe/Berlin", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("{path: t, format: epoch_s}", "1767614400", "UTC", NOON),
        ("{path: t, format: epoch_ms}", 1767614400000, "UTC", NOON),
        ("{path: t, format: epoch_us}", 1767614400000001, "UTC", NOON.replace(microsecond=1)),
        ("{path: t, format: epoch_s}", 1767614400.000001, "UTC", NOON.replace(microsecond=1)),
        ("{path: t, format: '%d.%m.%Y %H'}", "05.01.2026 12", "UTC", NOON),
        ("{base: 2026-01-05T11:59:00Z, plus_seconds: t}", 60.0, "UTC", NOON),
        ("{base: 2026-01-05T14:00:00+02:00}", None, "UTC", NOON),
    ],
)
def test_times_of_every_kind_become_utc(declared: str, value: object, zone_name: str, expected: datetime) -> None:
    made = time(declared, {"t": value}, zone_name)
    assert made == expected
    assert made.utcoffset() == NOON.utcoffset()


@pytest.mark.parametrize("form", ["iso", "epoch_s", "'%Y'"])
@pytest.mark.parametrize("value", [None, "yesterday", {}, True, 1e300])
def test_a_time_that_cannot_be_read_rejects_the_record(form: str, value: object) -> None:
    with pytest.raises(RecordError, match=r"^observed_at: .*`t`"):
        time(f"{{path: t, format: {form}}}", {"t": value})


@pytest.mark.parametrize(
    "text",
    [
        COMMON,
        ANSWER.replace("question", "qestion"),
        ANSWER.replace('question: "{q}", ', ""),
        ANSWER.replace("2026-01-05T12:00:00Z", "soon"),
        ANSWER.replace("{base:", "{timezone: Nowhere/Land, path:"),
        COMMON + "feedback: [{kind: rating, rating: {path: x, min: 5, max: 1}}]",
        COMMON + "feedback: [{kind: copy, when: {path: x}}]",
        COMMON + "feedback: [{kind: preference, between: [a, b]}]",
    ],
)
def test_a_declaration_of_unknown_shape_is_an_error_when_it_is_read(text: str) -> None:
    with pytest.raises(ValidationError):
        Mapping.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ANSWER.replace("{q}", "{q"), "interactions.0: question: '{q' has a single brace"),
        (ANSWER.replace("{q}", "{q..r}"), "interactions.0: question: 'q..r' is not a path"),
        (ANSWER.replace("{q}", "{q|upper}"), "the only functions are `hash` and `pseudonym`"),
        (ANSWER.replace("{q}", "{item.q}"), "interactions.0: question: 'item.q' needs `each`"),
        (ANSWER.replace("common: {session_id: s, observed_at: {base: 2026-01-05T12:00:00Z}}", ""), "says when"),
        (COMMON + "feedback: [{kind: thumbs}]", "feedback.0: kind: 'thumbs' is not one of thumb, "),
        (COMMON + "feedback: [{kind: reason, category: {path: x, map: {a: bad}}}]", "category: 'bad' is not one of"),
        (COMMON + "feedback: [{kind: copy, observed_at: {path: t, format: ISO}}]", "'ISO' is none of iso, epoch_s"),
    ],
)
def test_a_path_or_a_word_that_cannot_be_is_an_error_when_it_is_compiled(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r": ") as error:
        items(text, {})
    assert complaint in str(error.value)
    assert not isinstance(error.value, RecordError)


def test_the_documented_example_maps_a_record() -> None:
    assert declaration.__doc__
    example = yaml.safe_load(declaration.__doc__.split("```yaml\n")[1].split("```")[0])
    record = {
        "session": {"id": 9, "user": "u"},
        "short": 1,
        "asked_at": "2026-01-05 13:00:00",
        "history": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
        "question": "Why?",
        "answers": [{"model": "m1", "text": "So."}, {"model": "m2", "text": "Thus."}],
        "stars": 2,
        "rated_at": 1767614400000,
        "review": {"errors": [{"type": "Wrong", "from": 0, "to": 2}]},
        "better": "B",
    }
    made = list(compile_mapping(Mapping.model_validate(example["mapping"]), zone(example["timezone"]))(record))
    assert [item.interaction_id for item in made] == ["chat-9-0", "chat-9-1", "chat-9-0", "chat-9-0", "chat-9-1"]
    assert {item.observed_at for item in made} == {NOON}
    assert made[0].prompt_messages[-1] == {"role": "user", "content": "Why? Be brief."}
    assert (made[3].text, made[3].category, made[4].other_interaction_id) == ("So", "factually_incorrect", "chat-9-0")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("idqastxer") | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = ["id", "q", "a", "t", "x", "tags", "s", "e", "answer", "p", "c", "chat"]
EVERYTHING = compile_mapping(
    Mapping.model_validate(
        yaml.safe_load(
            """
            common: {session_id: "{s}", user_id: "{x.0}", observed_at: {path: t, format: epoch_s}}
            interactions:
              - {interaction_id: "{id}", messages: {path: chat}, question: "{q}", response: "{a}", turn: "{e}"}
            feedback:
              - {kind: tag, each: tags, label: "{item}", when: {path: x, not_equals: 1}}
              - {kind: highlight, range: {start: s, end: e, of: answer}, when: {path: p, present: true}}
              - {kind: rating, rating: {path: x, min: 0, max: 1}, when: {path: c, absent: true}}
            """
        )
    ),
    UTC,
)


@settings(max_examples=50)  # the first call warms Polars up
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)), max_size=5))
def test_every_record_is_either_taken_or_rejected_with_a_reason(records: list[dict[str, Any]]) -> None:
    lines = {"event_id": [f"e{n}" for n in range(len(records))], "payload": [json.dumps(record) for record in records]}
    parsed = parse_records(pl.DataFrame(lines, schema={"event_id": pl.String, "payload": pl.String}), EVERYTHING)
    taken = {*parsed.interactions["event_id"], *parsed.feedback_events["event_id"]}
    rejected = set(parsed.rejections["event_id"])
    assert taken | rejected == set(lines["event_id"])
    assert not taken & rejected
    assert not parsed.rejections["reason"].str.starts_with("the record cannot be read").any()


def test_frames_have_the_columns_of_the_tables() -> None:
    said = [
        Feedback(kind="copy", observed_at=NOON, interaction_id="a"),
        Feedback(kind="copy", observed_at=NOON, interaction_id="a", feedback_id="own"),
        Feedback(kind="copy", observed_at=NOON, interaction_id="a"),
    ]
    answered = Interaction(
        interaction_id="a", prompt_messages=[{"role": "user", "content": "Ü"}], response="r", observed_at=NOON
    )
    lines = pl.DataFrame({"event_id": ["e", "f"], "payload": ['{"n": 0}', '{"n": 1}']})
    found: dict[int, list[Item]] = {0: [answered, *said], 1: [answered]}
    parsed = parse_records(lines, lambda record: found[record["n"]])
    assert parsed.interactions.schema == PARSED_INTERACTIONS
    assert parsed.feedback_events.schema == PARSED_FEEDBACK
    assert parsed.feedback_events["feedback_id"].to_list() == [None, "own", None]
    assert parsed.interactions["prompt_messages"].to_list() == [[{"role": "user", "content": "Ü"}]] * 2
    assert parsed.interactions["event_id"].to_list() == ["e", "f"]


@pytest.mark.parametrize(
    ("kind", "field", "needed"),
    [
        (Feedback, "retracted", {"kind": "copy"}),
        (Interaction, "calls_tool", {"interaction_id": "a", "response": "r", "prompt_messages": ASKED}),
    ],
    ids=["feedback", "answer"],
)
def test_a_truth_value_that_is_none_costs_the_line_alone(kind: type[Item], field: str, needed: dict[str, Any]) -> None:
    lines = pl.DataFrame({"event_id": ["e", "f"], "payload": ['{"v": true}', '{"v": "yes"}']})
    parsed = parse_records(lines, lambda record: [kind(**needed, observed_at=NOON, **{field: record["v"]})])
    assert parsed.rejections.rows() == [("f", f"{field}: 'yes' is neither true nor false")]


def test_a_failing_adapter_costs_the_line_it_fails_on() -> None:
    lines = pl.DataFrame({"event_id": ["e", "f"], "payload": ['{"n": 0}', '{"m": 1}']})
    parsed = parse_records(lines, lambda record: [Feedback(kind="copy", observed_at=NOON, label=str(record["n"]))])
    assert parsed.feedback_events["event_id"].to_list() == ["e"]
    assert parsed.rejections.rows() == [("f", "the record cannot be read: KeyError: 'n'")]
