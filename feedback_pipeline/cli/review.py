"""What waits for a reviewer."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.inspection.render import shortened

_NEWEST = """
FROM review_queue
WHERE week = (SELECT max(week) FROM review_queue) AND coalesce(reason = $reason, true) ORDER BY priority
"""


@app.command()
def review(
    reason: Annotated[str | None, typer.Option(help="Only what is held for this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the most urgent first.")] = 10,
    as_json: AsJson = False,
) -> None:
    """List what the newest week holds back for a person, with what each side wants.

    "means the same" names examples kept whose question has the same meaning (`feedback-pipeline why EXAMPLE`).

    The answer is an ordinary feedback event with "user_role": "reviewer": a `correction` with the wanted answer,
    or a `thumb` (up: keep it, down: nobody should learn it). It counts in a source declared `reviewers: true`.
    """
    waiting = warehouse().read(_NEWEST, {"reason": reason})
    if as_json:
        print_json({"waiting": waiting.height, "items": waiting.head(limit).rows(named=True)})
    else:
        _print(waiting.head(limit).to_dicts(), waiting.height)


def _print(items: Sequence[Mapping[str, Any]], waiting: int) -> None:
    for item in items:
        about = f"{item['priority']}. {item['reason'].replace('_', ' ')}, since {item['since']}"
        answers = f"{len(item['interaction_ids'])} answers, {item['users']} users, such as {item['interaction_ids'][0]}"
        console.print(f"\n[bold]{escape(about)}[/bold] [dim]{escape(answers)}[/dim]", highlight=False)
        console.print(f"[bold cyan]user[/bold cyan]  {escape(shortened(item['question']))}", highlight=False)
        console.print(f"[bold green]model[/bold green] {escape(shortened(item['answer']))}", highlight=False)
        for side in item["sides"]:
            text = f" “{escape(shortened(side['text']))}”" if side["text"] else ""
            console.print(f"      {side['users']} × {side['says']}{text}", highlight=False)
        if item["neighbour_ids"]:
            console.print(f"      [dim]means the same: {' '.join(item['neighbour_ids'])}[/dim]", highlight=False)
    console.print(f"\n{len(items)} of {waiting} that wait for a reviewer")
