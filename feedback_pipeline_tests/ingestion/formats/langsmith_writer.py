"""The twelve conversations as LangSmith's runs and feedback."""

from typing import Any

from twelve_conversations import CALLS, SCALE, calls, logged, written

from feedback_pipeline.ingestion.records import Feedback, Interaction

KINDS = frozenset({"thumb", "rating", "reason", "tag", "comment", "correction"})
HOLDS_ANSWERS = True
OPTIONS: dict[str, Any] = {"categories": {"bad_format": "formatting"}, "scales": {"helpfulness": SCALE}}
_TYPES = {"user": "human", "assistant": "ai", "system": "system"}
_CLASSES = {"user": "HumanMessage", "assistant": "AIMessage", "system": "SystemMessage"}


def write(interactions: list[Interaction], feedback: list[Feedback]) -> list[dict[str, Any]]:
    records = [record for answer in interactions for record in (_root(answer), _model_call(answer))]
    return [*records, *(_said(each) for each in feedback if each.kind in KINDS)]


def _root(answer: Interaction) -> dict[str, Any]:
    return {
        **_run(answer),
        "id": answer.interaction_id,
        "name": "chat",
        "run_type": "chain",
        "parent_run_id": None,
        "inputs": {"messages": [{"type": _TYPES[each["role"]], "content": each["content"]} for each in logged(answer)]},
        "outputs": {"output": written(answer)},
        "extra": {"metadata": _metadata(answer)},
    }


def _model_call(answer: Interaction) -> dict[str, Any]:
    system = [{"role": "system", "content": answer.system_context}] if answer.system_context else []
    message = _serialised("assistant", written(answer), calls(answer))
    asked = [_serialised(each["role"], each["content"], [] if each["content"] else CALLS) for each in logged(answer)]
    first = [_serialised(each["role"], each["content"]) for each in system]
    return {
        **_run(answer),
        "id": f"{answer.interaction_id}-call",
        "name": "ChatModel",
        "run_type": "llm",
        "parent_run_id": answer.interaction_id,
        "inputs": {"messages": [[*first, *asked]]},
        "outputs": {"generations": [[{"text": written(answer), "type": "ChatGeneration", "message": message}]]},
        "extra": {"metadata": {**_metadata(answer), "ls_model_name": answer.model_version}},
    }


def _run(answer: Interaction) -> dict[str, Any]:
    return {
        "trace_id": answer.interaction_id,
        "session_id": "project-1",
        "start_time": _time(answer.observed_at),
        "end_time": _time(answer.observed_at),
        "error": None,
        "status": "success",
        "tags": [],
    }


def _metadata(answer: Interaction) -> dict[str, Any]:
    return {
        "thread_id": answer.session_id,
        "user_id": answer.user_id,
        "user_role": answer.user_role,
        "environment": answer.environment,
    }


def _serialised(role: str, content: str, calls: list[dict[str, Any]] | tuple[()] = ()) -> dict[str, Any]:
    names = ["langchain", "schema", "messages", _CLASSES[role]]
    called = {"tool_calls": calls} if calls else {}
    return {"lc": 1, "type": "constructor", "id": names, "kwargs": {"content": content, "type": _TYPES[role], **called}}


def _said(said: Feedback) -> dict[str, Any]:
    return {
        "id": said.feedback_id,
        "created_at": said.observed_at.isoformat(),
        "modified_at": said.observed_at.isoformat(),
        "run_id": said.interaction_id,
        "trace_id": said.interaction_id,
        "session_id": "project-1",
        "key": "note",
        "score": None,
        "value": None,
        "comment": None,
        "correction": None,
        "feedback_source": {"type": "api", "metadata": {"user_id": said.user_id, "thread_id": said.session_id}},
        **_content(said),
    }


def _content(said: Feedback) -> dict[str, Any]:
    if said.kind == "thumb":
        return {"key": "user_score", "score": 1 if said.label == "up" else 0}
    if said.kind == "rating":
        return {"key": "helpfulness", "score": said.rating}
    if said.kind == "comment":
        return {"comment": said.text}
    if said.kind == "correction":
        return {"correction": {"desired": said.proposed_text}}
    return {"value": said.category if said.kind == "reason" else said.label}


def _time(time) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")
