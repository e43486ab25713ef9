"""What the next message says about the answer before it."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evidence.detectors.language import language
from feedback_pipeline.evidence.implicit import implicit_evidence
from feedback_pipeline.evidence.patience import SCHEMA
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, REACTION_KINDS

NOTHING_SAID = FEEDBACK_EVENTS.empty()
ASKED = {"question": "Summarise the attached lease in five points", "response": "1. The rent is 900 euros. 2. …"}


def kinds_after(interactions, day, *messages: str) -> set[str]:
    turns = interactions(ASKED, *({"question": message} for message in messages))
    return set(implicit_evidence(turns, NOTHING_SAID, day)["kind"])


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("No, the deposit is two months of rent, not three", "correction_followup"),
        ("I meant the commercial lease, the one from March", "correction_followup"),
        ("Actually, it should be in euros", "correction_followup"),
        ("That's wrong", "complaint_followup"),
        ("you missed the notice period", "complaint_followup"),
        ("It doesn't work, same error as before", "complaint_followup"),
        ("this is too long", "complaint_followup"),
        ("what do you mean by indexation?", "clarification_request"),
        ("I don't understand the third point", "clarification_request"),
        ("could you elaborate", "clarification_request"),
        ("thanks, that’s exactly what I needed", "positive_followup"),
        ("Perfect! Now draft a reply", "positive_followup"),
        ("let me talk to a real person", "escalation"),
        ("I want to speak to your manager", "escalation"),
        ("ugh this is useless", "frustration"),
        ("how many times do I have to ask", "frustration"),
    ],
)
def test_a_reaction_is_told_by_its_words_whatever_it_is_about(interactions, day, message, kind):
    assert kind in kinds_after(interactions, day, message)


@pytest.mark.parametrize(
    ("kind", "messages"),
    [
        (
            "correction_followup",
            "Ich meinte den Gewerbevertrag|Je voulais dire le bail commercial|Quise decir el otro contrato"
            "|Intendevo l'altro contratto|Quis dizer o outro contrato|Ik bedoelde het andere contract"
            "|我的意思是商业租约|正しくは商業契約です",
        ),
        (
            "complaint_followup",
            "Das ist leider immer noch falsch|Du hast die Frist vergessen!|C'est faux|Ça ne marche toujours pas"
            "|La respuesta es incorrecta|La tua risposta è sbagliata|Isso está errado|Dat klopt niet"
            "|你说的不对|还是不行啊|それは間違っています",
        ),
        (
            "clarification_request",
            "Was meinst du damit?|Je ne comprends pas|¿Qué quieres decir?|Cosa intendi?|Não entendi|Wat bedoel je?"
            "|这是什么意思？|どういう意味ですか",
        ),
        (
            "positive_followup",
            "Vielen Dank!|Merci beaucoup|¡Muchas gracias!|Grazie mille|Muito obrigado|Hartelijk dank|谢谢你"
            "|ありがとうございます",
        ),
        (
            "escalation",
            "Ich will mit einem Mitarbeiter sprechen|Je veux parler à un conseiller|Quiero hablar con un agente"
            "|Vorrei parlare con un operatore|Quero falar com um atendente|Ik wil met iemand spreken"
            "|帮我转人工|オペレーターに繋いでください",
        ),
        (
            "frustration",
            "Das ist unbrauchbar|Quelle perte de temps|Eres inútil|Che schifo|Que perda de tempo|Waardeloos"
            "|真没用|時間の無駄だ",
        ),
    ],
)
def test_a_reaction_is_told_in_other_languages_too(interactions, day, kind, messages):
    untold = [message for message in messages.split("|") if kind not in kinds_after(interactions, day, message)]
    assert untold == []


@pytest.mark.parametrize(
    "message",
    [
        "Mein Drucker funktioniert nicht, was tun?",
        "Wie viele Zimmer darf ich untervermieten, und was gilt als falsche Angabe?",
        "Quel est le sens de l'indexation des loyers ?",
        "¿Cómo se indexa el contrato?",
        "super bowl winners by year",
        "请问押金是多少？很好奇这里的规定",
        "家賃について教えてください",
        "How many bedrooms may be let to others?",
        "Now translate the second point into plain English for a tenant",
        "Write a function that returns the wrong answers of a quiz",
        "Is there a clause about pets in the document?",
        "no smoking rules: list them all",
        "What is the meaning of indexation in real estate?",
        "```\nraise ValueError('that is wrong')\n```",
        "",
    ],
)
def test_an_ordinary_next_question_is_no_reaction(interactions, day, message):
    assert kinds_after(interactions, day, message) == set()


@pytest.mark.parametrize(
    "message",
    [
        "Good morning, where does it say who pays for repairs",
        "Which of them is about pets? Many thanks!",
        "Please list the dates in the second point, thank you",
        "Could you translate it into German? Thanks in advance",
        "Is the deposit taxed? It has been like this since May",
    ],
)
def test_how_people_greet_and_close_a_request_is_no_praise(interactions, day, message):
    assert "positive_followup" not in kinds_after(interactions, day, message)


def test_thanks_before_a_complaint_are_manners(interactions, day):
    assert kinds_after(interactions, day, "Thanks, but that is wrong") == {"complaint_followup"}


def test_a_first_message_reacts_to_nothing(interactions, day):
    turns = interactions({"question": "No, that's wrong! This is useless"})

    assert implicit_evidence(turns, NOTHING_SAID, day).is_empty()


def test_a_sign_names_its_detector_its_strength_and_the_message_it_was_read_from(interactions, day):
    turns = interactions(ASKED, {"question": "That's wrong"})

    (row,) = implicit_evidence(turns, NOTHING_SAID, day).rows(named=True)

    assert (row["interaction_id"], row["trigger_id"], row["text"]) == ("i0", "i1", "That's wrong")
    assert (row["extractor"], row["extractor_version"], row["explicit"]) == ("session_complaint_followup", "2", False)
    assert 0.5 < row["confidence"] < row["score"] <= 1


ENGLISH = "Please tell me how the deposit is returned to the tenant"
GERMAN = "Bitte sag mir, wie ich die Kaution zurück bekomme und ob das nicht länger dauert"


def test_going_on_in_another_language_is_a_switch_and_surer_where_the_answer_came_in_it(interactions, day):
    def switch(answer: str) -> pl.DataFrame:
        turns = interactions({"question": ENGLISH, "response": answer}, {"question": GERMAN})
        return implicit_evidence(turns, NOTHING_SAID, day).filter(kind="language_switch")

    in_english, in_german = switch("It is returned with the keys at the end."), switch(GERMAN)

    assert in_english["score"].to_list() == [0.5]
    assert in_german["score"].to_list() == [1.0]
    assert in_german["confidence"].item() > in_english["confidence"].item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        ("Pourquoi est-ce que le dépôt est retenu dans cette affaire ?", "fr"),
        ("¿Cómo puedo recuperar el depósito y qué pasa con los muebles?", "es"),
        ("Как вернуть залог?", "cyrillic"),
        ("押金怎么退还?", "han"),
        ("敷金はどうすれば戻りますか", "kana"),
        ("ok", None),
        ("pip install polars==1.0", None),
        ("", None),
    ],
)
def test_a_language_is_told_by_script_or_stop_words_or_not_at_all(text, expected):
    assert (
        pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(language(pl.col("text"))).item() == expected
    )


def test_an_edit_after_a_copy_is_use_with_changes(interactions, feedback, day):
    said = feedback(
        {"kind": "copy", "text": "answer 0"}, {"kind": "inline_edit", "text": "answer", "proposed_text": "reply"}
    )

    evidence = implicit_evidence(interactions(ASKED), said, day)

    assert evidence.select("kind", "trigger_id", "interaction_id").rows() == [("edit_then_use", "f1", "i0")]


DRAFT = (
    "Dear Ms Keller, thank you for your letter of the third of May about the broken heating in the flat on the second "
    "floor. A technician will call on you next Tuesday between nine and noon; please make sure that somebody is there."
)


def test_a_message_that_holds_an_edited_version_of_the_answer_is_use_with_changes(interactions, day):
    edited = DRAFT.replace("Tuesday", "Thursday").replace("second floor", "fourth floor")

    def kinds(message: str) -> list[str]:
        turns = interactions({"question": "Draft a reply", "response": DRAFT}, {"question": message})
        return implicit_evidence(turns, NOTHING_SAID, day)["kind"].to_list()

    assert kinds(f"Check the spelling: {edited}") == ["edit_then_use"]
    assert kinds(DRAFT) == []


def test_a_session_taken_up_again_after_unusually_long_speaks_neither_way(interactions, day):
    late = datetime(2026, 1, 5, 20, tzinfo=UTC)
    turns = interactions(ASKED, {"question": "And the pets?"}, {"question": "Who pays repairs?", "observed_at": late})

    evidence = implicit_evidence(turns, NOTHING_SAID, day)

    assert evidence.select("kind", "polarity", "interaction_id").rows() == [("silence_return", 0, "i1")]


def test_how_long_a_silence_must_be_is_the_users_own_habit(interactions, day):
    turns = interactions(ASKED, {"question": "That's wrong"})

    def abandoned(usual_gap: timedelta) -> bool:
        patience = pl.DataFrame({"session_id": ["s"], "usual_gap": [usual_gap], "last_at": [None]}, schema=SCHEMA)
        return "abandonment" in implicit_evidence(turns, NOTHING_SAID, day, patience)["kind"].to_list()

    assert abandoned(timedelta(hours=2))
    assert not abandoned(timedelta(hours=20))


@given(st.lists(st.text(max_size=400), min_size=1, max_size=4))
def test_any_words_give_evidence_about_an_earlier_answer_or_none(messages):
    rows = [
        {
            "interaction_id": f"i{number}",
            "source": "a",
            "session_id": "s",
            "turn": number,
            "prompt_messages": [{"role": "user", "content": message}],
            "response": message[::-1],
            "observed_at": datetime(2026, 1, 5, number, tzinfo=UTC),
        }
        for number, message in enumerate(messages)
    ]
    turns = INTERACTIONS.conform(pl.DataFrame(rows))
    evidence = implicit_evidence(turns, NOTHING_SAID, date(2026, 1, 7))

    assert set(evidence["kind"]) <= set(REACTION_KINDS)
    assert evidence["score"].is_between(0, 1).all()
    assert evidence["confidence"].is_between(0.5, 1).all()
    assert evidence["evidence_id"].is_unique().all()
    assert set(evidence["interaction_id"]) <= {f"i{number}" for number in range(len(messages))}
