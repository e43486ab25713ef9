"""Views for people: tables and stories on a terminal."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

LONG_TEXT = 400


def print_rows(console: Console, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of the same fields as a table; nothing for none."""
    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        # Where the terminal is narrow it is the texts that are folded, for of a number no part may go.
        whole = all(isinstance(row[name], int | float | date | None) for row in rows)
        table.add_column(name.replace("_", "\n" if whole else " "), overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(escape(text(value)) for value in row.values()))
    console.print(table)


def print_counts(console: Console, title: str, counts: Mapping[str, int]) -> None:
    """`title: a 3, b 2`, or `none`."""
    listed = ", ".join(f"{name} {number:,}" for name, number in counts.items())
    console.print(f"[bold]{title}:[/bold] {escape(listed) or 'none'}", highlight=False)


def print_status(console: Console, state: Mapping[str, Any]) -> None:
    """What `status` found, in the order of the flow."""
    print_counts(console, "Lines", state["lines"])
    print_counts(console, "Rejected because", state["rejected_because"])
    print_counts(console, "Interactions", {"answers": state["interactions"]})
    print_counts(
        console, "Feedback events", {"all": state["feedback_events"], "without their interaction": state["orphans"]}
    )
    print_counts(console, "Evidence", state["evidence"])
    print_counts(console, "Verdicts", {"interactions": state["verdicts"]})
    print_counts(console, "Routed to", state["routes"])
    print_counts(console, "Examples kept", state["examples_kept"])
    print_counts(console, "Examples rejected", state["examples_rejected"])
    # A line each: in a table as wide as a terminal, versions and hashes would be cut.
    for dataset in state["datasets"]:
        console.print(
            f"[bold]Dataset, week of {dataset['week']}:[/bold] {dataset['dataset_version']}, "
            f"{text(dataset['train'])} train and {text(dataset['test'])} test examples, "
            f"SHA-256 {dataset['content_hash']}, in {escape(dataset['folder'])}",
            highlight=False,
        )
    for model in state["models"]:
        console.print(
            f"[bold]Adapter, week of {model['week']}:[/bold] {model['model_version']} on {model['base_model']}, "
            f"{text(model['examples'])} examples of {model['dataset_version']}, {text(model['tokens'])} tokens "
            f"in {text(model['seconds'])} s, loss {text(model['train_loss'])}, in {escape(model['folder'])}",
            highlight=False,
        )
    for decision in state["decisions"]:
        console.print(
            f"[bold]Gate, week of {decision['week']}:[/bold] {decision['decision'].upper()} {decision['candidate']} "
            f"against {decision['reference']}: {escape(decision['reason'])}",
            highlight=False,
        )
    console.print(f"[bold]Champion:[/bold] {state['champion'] or 'none yet'}", highlight=False)


def print_accounts(console: Console, accounts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """A line each file, then one each source and day of feedback: both sides of every sum."""
    if not any(accounts.values()):
        console.print("nothing arrived on these days")
    for row in accounts["lines"]:
        outcomes = " + ".join(f"{row[name]:,} {name}" for name in ("accepted", "duplicate", "rejected"))
        console.print(f"{escape(row['source'])}/{escape(row['file'])}: {row['received']:,} received = {outcomes}")
    for row in accounts["feedback"]:
        became = " + ".join(f"{row[name]:,} {name}" for name in ("joined", "orphan", "lost"))
        feedback = f"{row['feedback']:,} pieces of feedback"
        console.print(f"{escape(row['source'])} {row['arrival_day']}: {feedback} = {became}")


def print_never_read(console: Console, files: Sequence[str]) -> None:
    """A line each file of the landing zone that no day will ever read."""
    for file in files:
        console.print(f"{escape(file)}: never read, for it lies in no folder SOURCE/YYYY-MM-DD/", highlight=False)


def print_rejected(console: Console, lines: Sequence[Mapping[str, Any]]) -> None:
    """Each rejected line: where it lies, why, and how it begins."""
    if not lines:
        console.print("no line was rejected")
    for line in lines:
        place = f"{line['source']}/{line['file']}:{line['line_number']}"
        console.print(f"[bold]{escape(place)}[/bold] {escape(line['reason'])}", highlight=False)
        console.print(f"      [dim]{escape(shortened(line['payload']))}[/dim]", highlight=False)


def print_trace(console: Console, exchanges: Sequence[Mapping[str, Any]]) -> None:
    """A session as a story: question, answer, and what became of it."""
    first = exchanges[0]
    console.rule(f"session {escape(first['session_id'])}")
    if first["system_context"]:
        console.print(f"[dim]system[/dim] {escape(shortened(first['system_context']))}", highlight=False)
    for exchange in exchanges:
        about = " · ".join(
            str(exchange[name])
            for name in ("interaction_id", "observed_at", "model_version", "user_id", "user_role", "environment")
            if exchange[name] is not None
        )
        console.print(f"\n[dim]{escape(about)}[/dim]", highlight=False)
        place = f"{exchange['source']}/{exchange['file']}:{exchange['line_number']}"
        console.print(f"[dim]{escape(place)}[/dim]", highlight=False)
        console.print(f"[bold cyan]user[/bold cyan]  {escape(shortened(exchange['query']))}", highlight=False)
        console.print(f"[bold green]model[/bold green] {escape(shortened(exchange['response']))}", highlight=False)
        for evidence in exchange["evidence"]:
            console.print("      " + escape(evidence_line(evidence)), highlight=False)
        if exchange["p_satisfied"] is not None:
            console.print(
                f"      → satisfied with probability {exchange['p_satisfied']:.2f}; "
                f"{exchange['destination']}: {escape(exchange['route_reason'] or '')}",
                highlight=False,
            )


def print_recalled(console: Console, exchanges: Sequence[Mapping[str, Any]], filters: str = "") -> None:
    """Exchanges nearest first, each with its metadata and evidence; where there are none, by which filters."""
    if not exchanges:
        console.print("nothing found" + (f" with {escape(filters)}" if filters else ""), highlight=False)
    for exchange in exchanges:
        about = " · ".join(
            f"{exchange[name]}"
            for name in ("interaction_id", "session_id", "observed_at", "model_version", "user_role", "environment")
            if exchange[name] is not None
        )
        console.print(f"\n[bold]{exchange['similarity']:.3f}[/bold] [dim]{escape(about)}[/dim]", highlight=False)
        console.print(escape(shortened(exchange["text"])), highlight=False)
        for evidence in exchange["evidence"]:
            console.print("      " + escape(evidence_line(evidence)), highlight=False)


def evidence_line(evidence: Mapping[str, Any]) -> str:
    """One piece of evidence on one line."""
    sign = {1: "+", -1: "-", 0: "·"}[evidence["polarity"]]
    passage = f" [{evidence['range_start']}:{evidence['range_end']}]" if evidence["range_start"] is not None else ""
    label = f" {evidence['label']}" if evidence.get("label") else ""
    rating = _rating(evidence) if evidence.get("rating") is not None else ""
    joined = _joined(evidence) if evidence.get("joined_by") not in (None, "interaction") else ""
    extent = f" ({evidence['extent'].replace('_', ' ')})" if evidence.get("extent") else ""
    score = f" {evidence['score']:.2f}" if evidence.get("score") is not None else ""
    reason = f" ({evidence['reason']})" if evidence["reason"] else ""
    read_by = f", reason by {evidence['reason_extractor']}" if evidence.get("reason_extractor") else ""
    said = f" “{shortened(evidence['text'])}”" if evidence["text"] else ""
    proposed = f" ⇒ “{shortened(evidence['proposed_text'])}”" if evidence["proposed_text"] else ""
    edit = f" ({evidence['edit']}, {evidence['edit_share']:.0%} of the words)" if evidence["edit"] else ""
    origin = f"{evidence['extractor']} {evidence['extractor_version']}, {evidence['observed_at']:%Y-%m-%d %H:%M}"
    what = "".join((label, rating, score, extent, reason, passage, said, proposed, edit))
    return (
        f"{sign} {evidence['kind'].replace('_', ' ')}{what} "
        f"— confidence {evidence['confidence']:.2f}{joined}, {origin}{read_by}"
    )


def _rating(evidence: Mapping[str, Any]) -> str:
    low, high = evidence["rating_min"], evidence["rating_max"]
    return f" {evidence['rating']:g}" + (f" on {low:g} to {high:g}" if None not in (low, high) else "")


def _joined(evidence: Mapping[str, Any]) -> str:
    """How an answer was found for feedback that named none, and how surely it is the one meant."""
    return f", joined by {evidence['joined_by']} at {evidence['join_confidence']:.2f}"


def shortened(words: str | None) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join((words or "").split())
    return line if len(line) <= LONG_TEXT else line[: LONG_TEXT - 1] + "…"


def text(value: Any) -> str:
    """A value as a table cell."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
