"""Twelve conversations with their feedback, as every wire format that can express them must give them.

Session 6 has an answer beside which the model calls a tool, session 7 no system prompt, and in the second turn of
session 10 the model called a tool, saying nothing, before it answered the first question. In session 8 the model
reasons before it answers.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from feedback_pipeline.ingestion.records import Feedback, Interaction, Message

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SYSTEM = "Answer briefly."
MODEL = "brindle-2026-01-12"
SCALE = (1.0, 5.0)
_QUESTIONS = (
    ("How do I pair the router?", "Hold the key for 7 seconds."),
    ("Which release is stable?", "Release 4.8."),
    ("What is the code?", "It is NV-27."),
    ("Wie heißt das Café an der Ecke? ☕", "Café «Löwe» – 日本 😀."),
    ("List the colours.", "- amber\n- green"),
    ('Say "hi" in JSON: {"a": [1]}', '{"greeting": "hi"}'),
    ("Is it safe?", "Yes."),
    ("Why is the light red?", "Because it is warm."),
    ("Can I return it?", "Within 30 days."),
    ("Who made it?", "Brindlemoor."),
    ("Is it water-proof?", "No."),
    ("Thanks?", "You are welcome."),
)


CALLS = [{"id": "call-1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}]
_CALLING, _BARE, _REASONING, _STEPPING = 6, 7, 8, 10


def interactions() -> list[Interaction]:
    """Fourteen answers in twelve sessions; the last two sessions have a second turn."""
    found = []
    for number, (question, answer) in enumerate(_QUESTIONS):
        found.append(_interaction(number, 0, [{"role": "user", "content": question}], answer))
        if number >= 10:
            before = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            found.append(_interaction(number, 1, [*before, {"role": "user", "content": "Are you sure?"}], "Quite."))
    return found


def _interaction(number: int, turn: int, messages, response: str) -> Interaction:
    return Interaction(
        interaction_id=interaction_id(number, turn),
        session_id=f"session-{number}",
        turn=turn,
        user_id=f"user-{number % 5}",
        user_role="admin" if number % 2 else "member",
        environment="production",
        model_version=MODEL,
        system_context=None if number == _BARE else SYSTEM,
        prompt_messages=messages,
        response=response,
        observed_at=START + timedelta(minutes=10 * number, seconds=30 * turn),
    )


def logged(answer: Interaction) -> list[Message]:
    """The prompt as it was sent: with the silent message that is no part of it, if there is one."""
    first, *rest = answer.prompt_messages
    stepped = answer.interaction_id == interaction_id(_STEPPING, 1)
    return [first, *([{"role": "assistant", "content": ""}] if stepped else []), *rest]


def written(answer: Interaction) -> str:
    """What the model wrote to give the answer."""
    reasons = answer.interaction_id == interaction_id(_REASONING)
    return f"<think>\nWarm is red.\n</think>\n\n{answer.response}" if reasons else answer.response


def calls(answer: Interaction) -> list[dict]:
    """The tools called beside the answer's text."""
    return CALLS if answer.interaction_id == interaction_id(_CALLING) else []


def told_as_steps(answers: list[Interaction]) -> list[Interaction]:
    """The answers as formats of single calls of a model tell them: which are steps of an agent."""
    return [replace(answer, calls_tool=bool(calls(answer)) or None) for answer in answers]


def interaction_id(number: int, turn: int = 0) -> str:
    return f"answer-{number}-{turn}"


def feedback() -> list[Feedback]:
    """One thing said about most answers, of every kind that the wire formats know."""
    return [
        _feedback(0, "thumb", label="up"),
        _feedback(1, "thumb", label="down"),
        _feedback(2, "correction", proposed_text="It is NV-31."),
        _feedback(3, "rating", rating=2.0, rating_min=SCALE[0], rating_max=SCALE[1]),
        _feedback(4, "comment", text="Too long – and “odd”."),
        _feedback(5, "tag", label="bad_format", category="formatting"),
        _feedback(6, "reason", category="incomplete"),
        _feedback(8, "rating", rating=5.0, rating_min=SCALE[0], rating_max=SCALE[1]),
        _feedback(9, "comment", text="Whose 日本?"),
        _feedback(10, "thumb", turn=1, label="down"),
        _feedback(11, "correction", turn=1, proposed_text="No, not quite."),
    ]


def _feedback(number: int, kind: str, turn: int = 0, **fields) -> Feedback:
    return Feedback(
        kind=kind,
        feedback_id=f"feedback-{number}",
        interaction_id=interaction_id(number, turn),
        session_id=f"session-{number}",
        user_id=f"user-{number % 5}",
        observed_at=START + timedelta(minutes=10 * number, seconds=45),
        **fields,
    )
