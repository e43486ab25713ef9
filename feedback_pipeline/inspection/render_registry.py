"""The registry for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from feedback_pipeline.evaluation.acts import Done
from feedback_pipeline.evaluation.judge_finding import told
from feedback_pipeline.inspection.render import text


def print_history(console: Console, history: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Decisions and acts, a line each: in a table as wide as a terminal, versions and reasons would be cut."""
    if not history["decisions"]:
        console.print("no decisions yet: run the retraining job first")
    for row in history["decisions"]:
        state = f", now {row['state']}" if row["state"] != "-" else ""
        console.print(
            f"[bold]Week of {row['week']}:[/bold] {row['decision'].upper()}{state}: {escape(row['candidate'])} against "
            f"{escape(str(row['reference']))}. {escape(row['reason'])}",
            highlight=False,
        )
    for act in history["acts"]:
        _print_act(console, act)


def print_explained(console: Console, found: Mapping[str, Any]) -> None:
    """A version's story: its newest decision with all comparisons, what it rests on, and what was done to it."""
    console.print(f"[bold]{escape(found['model_version'])}[/bold]: {found['state']}", highlight=False)
    if found["barred"]:
        console.print(f"barred: {escape(found['barred'])}", highlight=False)
    for row in found["decisions"]:
        console.print(
            f"[bold]Week of {row['week']}:[/bold] {row['decision'].upper()} against {escape(str(row['reference']))}: "
            f"{escape(row['reason'])}",
            highlight=False,
        )
    if found["decisions"]:
        _print_evidence(console, found["decisions"][0])
    if training := found["training"]:
        console.print(
            f"[bold]Trained[/bold] on {text(training['examples'])} examples of "
            f"{escape(str(training['dataset_version']))} from {escape(str(training['base_model']))}, "
            f"in {escape(str(training['folder']))}",
            highlight=False,
        )
    console.print(f"[bold]Continues from[/bold] {escape(', '.join(found['parents'])) or 'the base'}", highlight=False)
    if watched := found["watched"]:
        console.print(
            f"[bold]Watched[/bold] until {watched['day']}: P(satisfied) {watched['satisfied']:.3f}, of "
            f"{escape(watched['predecessor'])} {watched['satisfied_before']:.3f}: {watched['difference']:+.3f} "
            f"[{watched['lower']:+.3f}, {watched['upper']:+.3f}] (users={watched['users']})",
            highlight=False,
        )
    for act in found["acts"]:
        _print_act(console, act)


def _print_evidence(console: Console, decision: Mapping[str, Any]) -> None:
    console.print(
        f"p = {text(decision['p_value'])}, alpha {text(decision['alpha'])}, spent {text(decision['alpha_spent'])}; "
        f"suite {escape(str(decision['suite_hash']))}, run {escape(str(decision['run_id']))}",
        highlight=False,
    )
    for each in decision["comparisons"] or []:
        console.print(escape(f"  {each['suite']} {each['metric']} {_interval(each)}"), highlight=False)
    for each in decision["slices"] or []:
        name = f"{each['dimension']} {each['value']}"
        console.print(escape(f"  {each['outcome']}: {name} {_interval(each)}"), highlight=False)
    if judge := decision["judge"]:
        console.print(escape(f"  {told(judge)}"), highlight=False)


def _interval(comparison: Mapping[str, Any]) -> str:
    return (
        f"{comparison['estimate']:+.3f} [{comparison['lower']:+.3f}, {comparison['upper']:+.3f}] "
        f"(n={comparison['n']}, clusters={comparison['clusters']})"
    )


def print_done(console: Console, done: Done) -> None:
    """What an act came to."""
    for act in done.acts:
        cause = f" (example {act.cause})" if act.cause else ""
        console.print(escape(f"{act.subject_kind} {act.subject} {act.act.replace('_', ' ')}{cause}"), highlight=False)
    now, before = (name or "none, the base model serves" for name in (done.champion, done.champion_before))
    change = f"{now} (it was {before})" if now != before else f"{now}, as before"
    console.print(f"[bold]Champion:[/bold] {escape(change)}", highlight=False)


def _print_act(console: Console, act: Mapping[str, Any]) -> None:
    name = f" as {act['deployed_as']}" if act["deployed_as"] else f" (example {act['cause']})" if act["cause"] else ""
    console.print(
        f"[dim]{act['acted_at']:%Y-%m-%d %H:%M}[/dim] {act['act'].replace('_', ' ')} {escape(act['subject'] + name)} "
        f"by {escape(act['acted_by'])}: {escape(act['why'])} → champion {escape(act['champion_after'] or 'none')}",
        highlight=False,
    )
