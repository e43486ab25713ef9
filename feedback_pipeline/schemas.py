"""One schema a table: its grain, its partition, its key, and each column with its meaning."""

from dataclasses import dataclass

import polars as pl
from polars._typing import PolarsDataType

TIMESTAMP = pl.Datetime("us", "UTC")
MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
TEXTS = pl.List(pl.String)
CHANGES = pl.List(pl.Struct({"range_start": pl.Int64, "range_end": pl.Int64, "removed": pl.String, "added": pl.String}))
SIDES = pl.List(pl.Struct({"says": pl.String, "text": pl.String, "users": pl.Int64, "evidence_ids": TEXTS}))
KNOTS = pl.List(pl.Struct({"score": pl.Float64, "probability": pl.Float64}))
RELIABILITY = pl.List(pl.Struct({"predicted": pl.Float64, "observed": pl.Float64, "labels": pl.Int64}))

FEEDBACK_KINDS = (
    "thumb",
    "rating",
    "reason",
    "correction",
    "inline_edit",
    "highlight",
    "tag",
    "comment",
    "survey",
    "preference",
    "copy",
    "regenerate",
    "abandonment",
)
# What a user's next message or silence says about the answer before, read from behaviour.
REACTION_KINDS = (
    "rephrase",
    "correction_followup",
    "complaint_followup",
    "clarification_request",
    "positive_followup",
    "edit_then_use",
    "escalation",
    "language_switch",
    "frustration",
    "silence_return",
    "abandonment",
)
REASONS = (
    "factually_incorrect",
    "incomplete",
    "too_vague",
    "wrong_tone",
    "misread_intent",
    "irrelevant",
    "redundant",
    "unsafe",
    "unwarranted_refusal",
    "formatting",
    "product_issue",
    "other",
)
UNKNOWN_MODEL = "unknown"
# What ids begin with of conversations that no log names: they are told by how they opened. No product's ids do.
BY_OPENING = "by-opening-"
UNCONFIRMED_REVIEWER = "unconfirmed reviewer"


@dataclass(frozen=True)
class Column:
    """A column's type and what it means. `compression` is DuckDB's, where its own choice is a poor one."""

    dtype: PolarsDataType
    meaning: str
    compression: str | None = None


@dataclass(frozen=True)
class Table:
    """A table of the warehouse. `partition` names the Date column whose days (or Mondays) are replaced.

    Of several rows with one `key` the last by `recency` counts: what was observed, where the logs tell
    that, or else the partition. Where `within` names a column, each of its values has keys of its own.
    """

    name: str
    grain: str
    partition: str
    key: str
    columns: dict[str, Column]
    recency: str | None = None
    within: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns whose values together name what a row tells of; its revisions share them."""
        return (self.within, self.key) if self.within else (self.key,)

    @property
    def schema(self) -> pl.Schema:
        """The Polars schema, in column order."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})

    def empty(self) -> pl.DataFrame:
        """A frame of this schema without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with exactly this table's columns and types; columns it lacks are null.

        Raises `ValueError` on a column the table does not have: dropping it in silence would lose data.
        """
        if unknown := set(frame.columns) - set(self.columns):
            raise ValueError(f"{self.name} has no column {', '.join(sorted(unknown))}")
        if frame.schema == (schema := self.schema):
            return frame
        return frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in schema.items()
        )


RAW_EVENTS = Table(
    "raw_events",
    "one row per line received, or per record of a line that packs several",
    "arrival_day",
    "event_id",
    {
        "arrival_day": Column(pl.Date, "day folder the file lies in"),
        "event_id": Column(pl.String, "SHA-256 of source and payload: the same line has the same id wherever it lands"),
        "source": Column(pl.String, "folder of the landing zone"),
        "file": Column(pl.String, "path below the source's folder"),
        "line_number": Column(pl.Int64, "from 1; 0 speaks of the file as a whole"),
        "record_number": Column(pl.Int64, "from 1; of a line that packs several records"),
        "format": Column(pl.String, "wire format, `mapping` or `adapter`"),
        "payload": Column(
            pl.String,
            "the line; bytes that are not UTF-8 escaped as \\xNN, an overlong line cut",
            compression="zstd",
        ),
        "outcome": Column(pl.String, "`accepted`, `duplicate` (the same line came before) or `rejected`"),
        "reason": Column(pl.String, "why it was not accepted"),
    },
)

LANDED_FILES = Table(
    "landed_files",
    "one row per file of the landing zone, as it was when it was last read",
    "arrival_day",
    "file",
    {
        "arrival_day": Column(pl.Date, "day folder the file lies in"),
        "source": Column(pl.String, "folder of the landing zone"),
        "file": Column(pl.String, "path below the source's folder"),
        "version": Column(
            pl.String, "size and time of change, or the store's own tag: as long as it is the same, so is the file"
        ),
        "recipe": Column(
            pl.String,
            "SHA-256 of the source's declaration and of the code that read it; null once an earlier day brought other "
            "parts of the day's answers: it must be read anew",
        ),
        "received": Column(pl.Int64, "lines or records read from it"),
    },
)

INTERACTIONS = Table(
    "interactions",
    "one row per model answer and revision of it",
    "arrival_day",
    "interaction_id",
    {
        "arrival_day": Column(pl.Date, "day the answer's line arrived"),
        "interaction_id": Column(pl.String, "the logger's id of the answer"),
        "event_id": Column(
            pl.String, "line it came from; of several the one with the response, of this day or a day before"
        ),
        "part_event_ids": Column(
            TEXTS, "all lines it came from, of this day and days before, where several told it together"
        ),
        "source": Column(pl.String, "folder of the landing zone"),
        "session_id": Column(
            pl.String,
            f"conversation; where the log has none `{BY_OPENING}…`, told by user, day, first question and its "
            "answer, or without a user the interaction's own id",
        ),
        "turn": Column(pl.Int32, "user turns before this one in the conversation, from 0"),
        "user_id": Column(pl.String, "who asked; null where the log does not say"),
        "user_role": Column(pl.String, "the asker's role in the product"),
        "environment": Column(pl.String, "deployment: production, staging, …"),
        "model_version": Column(pl.String, f"what answered; `{UNKNOWN_MODEL}` where the log does not say"),
        "system_context": Column(pl.String, "system prompt"),
        "prompt_messages": Column(MESSAGES, "conversation up to and with the question, without the system prompt"),
        "question": Column(
            pl.String,
            "what the user asked, where the source's `question_pattern` tells it from the prompt around it; null: the "
            "last user message",
        ),
        "response": Column(pl.String, "the answer", compression="zstd"),
        "calls_tool": Column(
            pl.Boolean,
            "true where the model asks for a tool beside what it says: a step, the answer to the question is to come",
        ),
        "observed_at": Column(TIMESTAMP, "when it was answered"),
    },
    # A row has every part that the rows before it had.
    recency="coalesce(len(part_event_ids), 0) DESC, observed_at",
)

_OF_ANSWERS = [
    name for name in INTERACTIONS.columns if name not in ("arrival_day", "source", "part_event_ids", "question")
]
ANSWER_PARTS = Table(
    "answer_parts",
    "one row per part of an answer that a line told, where several lines may tell one together",
    "arrival_day",
    "interaction_id",
    {
        "arrival_day": Column(pl.Date, "day the part's line arrived"),
        "source": Column(pl.String, "folder of the landing zone"),
        **{name: INTERACTIONS.columns[name] for name in _OF_ANSWERS},
        "event_id": Column(pl.String, "line it came from, whether that was accepted or lacked its other parts"),
        "rank": Column(pl.Int64, "of each field the value of the part that ranks highest counts"),
        "aliases": Column(TEXTS, "other ids by which feedback of the source may name the answer"),
    },
)

FEEDBACK_EVENTS = Table(
    "feedback_events",
    "one row per thing a person or product said about an answer, in its own terms",
    "arrival_day",
    "feedback_id",
    {
        "arrival_day": Column(pl.Date, "day the feedback's line arrived"),
        "feedback_id": Column(
            pl.String, "the logger's id, or the SHA-256 of what was said. The source's own: another's is another event"
        ),
        "event_id": Column(pl.String, "line it came from"),
        "source": Column(pl.String, "folder of the landing zone"),
        "kind": Column(pl.String, f"one of {', '.join(FEEDBACK_KINDS)}"),
        "interaction_id": Column(pl.String, "answer it is about; of a preference, the preferred one"),
        "other_interaction_id": Column(pl.String, "of a preference, the answer not chosen"),
        "session_id": Column(pl.String, "conversation, where the log says"),
        "user_id": Column(pl.String, "who gave it"),
        "user_role": Column(
            pl.String,
            f"the giver's role in the product; `{UNCONFIRMED_REVIEWER}` where the line says reviewer and its source "
            "may not speak for them",
        ),
        "label": Column(
            pl.String,
            "thumb `up`, `down` or `none`, where it was clicked away; a preference's `tie`; a tag or category in the "
            "product's words",
        ),
        "rating": Column(pl.Float64, "number given"),
        "rating_min": Column(pl.Float64, "worst number of the scale"),
        "rating_max": Column(pl.Float64, "best number of the scale"),
        "category": Column(pl.String, f"reason in our words: one of {', '.join(REASONS)}"),
        "text": Column(pl.String, "comment, copied text, or the passage spoken of"),
        "range_start": Column(pl.Int64, "first character of the passage, from 0"),
        "range_end": Column(pl.Int64, "one past the passage's last character"),
        "proposed_text": Column(pl.String, "what should stand there; without a range, in place of the whole answer"),
        "retracted": Column(
            pl.Boolean, "true where its giver took back what this event said: from then on it says nothing"
        ),
        "join_window_hours": Column(
            pl.Float64,
            "how long before it the answer may lie, where only its user is named",
        ),
        "observed_at": Column(TIMESTAMP, "when it was given"),
    },
    recency="observed_at DESC, coalesce(retracted, false)",
    # Who may write to one source must not overrule what was said in another.
    within="source",
)

EVIDENCE = Table(
    "evidence",
    "one row per signal about one interaction, and per change of what is known of it",
    "arrival_day",
    "evidence_id",
    {
        "arrival_day": Column(pl.Date, "arrival day of what made it known, or known otherwise"),
        "evidence_id": Column(pl.String, "extractor, source, trigger and interaction, joined by |"),
        "interaction_id": Column(pl.String, "answer it is about"),
        "other_interaction_id": Column(pl.String, "of a preference, the answer compared with"),
        "user_id": Column(pl.String, "whose signal it is"),
        "user_role": Column(pl.String, "of what was said, the giver's role: what a `reviewer` says decides"),
        "source": Column(pl.String, "source of the trigger"),
        "kind": Column(pl.String, f"a feedback kind, or one of {', '.join(REACTION_KINDS)}"),
        "polarity": Column(pl.Int8, "+1 speaks for the answer, -1 against it, 0 neither"),
        "reason": Column(pl.String, "reason category, where one is known"),
        "reason_extractor": Column(
            pl.String, "what read the text for a reason, also where it was not sure of one; null where nothing did"
        ),
        "score": Column(pl.Float64, "how strongly its detector fired, 0 to 1; null where it was said"),
        "confidence": Column(
            pl.Float64,
            "probability that the polarity is right: of a detector with enough labels, the share right at its score, "
            "which may lie below 0.5; of a comment that was read, its reader's; of any other, its prior",
        ),
        "trusted": Column(pl.Boolean, "said outright, or of a detector whose precision is proven enough to train on"),
        "joined_by": Column(
            pl.String, "how a feedback event found its answer: `interaction`, `passage`, `session` or `user`"
        ),
        "join_confidence": Column(pl.Float64, "how sure it is that the event means this answer, 0 to 1"),
        "text": Column(pl.String, "comment, copied text, next question, or passage"),
        "range_start": Column(pl.Int64, "first character of the passage, from 0"),
        "range_end": Column(pl.Int64, "one past the passage's last character"),
        "extent": Column(pl.String, "of a copy, how much of the answer: `whole`, `code_block` or `part`"),
        "proposed_text": Column(pl.String, "replacement of the passage; without a range, of the whole answer"),
        "edit": Column(pl.String, "what that does to the answer: `no_op`, `partial` or `rewrite`"),
        "edit_share": Column(pl.Float64, "share of the words that it changes, 0 to 1"),
        "edit_changes": Column(CHANGES, "passages of the answer that it changes: their characters, and the new words"),
        "explicit": Column(pl.Boolean, "said (true) or read from behaviour (false)"),
        "extractor": Column(pl.String, "what derived it"),
        "extractor_version": Column(pl.String, "its version"),
        "trigger_id": Column(pl.String, "feedback_id or interaction_id that gave rise to it"),
        "observed_at": Column(TIMESTAMP, "when the trigger happened"),
        "withdrawn": Column(
            pl.Boolean, "what arrived on the day shows that it was none: from then on it does not count"
        ),
    },
)

EVIDENCE_CALIBRATION = Table(
    "evidence_calibration",
    "one row per detector and version: how often people who said something of the same answer bear it out",
    "as_of",
    "kind",
    {
        "as_of": Column(pl.Date, "cutoff: evidence of the next day has its confidence by this"),
        "extractor": Column(pl.String, "what derives the evidence"),
        "kind": Column(pl.String, "its kind; with the extractor it names a detector"),
        "extractor_version": Column(pl.String, "the extractor's version: another one starts from its prior"),
        "signals": Column(pl.Int64, "pieces of its evidence that arrived in the window"),
        "labels": Column(pl.Int64, "those of them on whose answer people said something decided"),
        "users": Column(pl.Int64, "users whose behaviour these are"),
        "n_right": Column(pl.Int64, "those that people bear out"),
        "precision": Column(pl.Float64, "share of the labels that are right; null without labels"),
        "lower": Column(pl.Float64, "lower end of its 95 % interval (Wilson)"),
        "upper": Column(pl.Float64, "upper end of it"),
        "method": Column(
            pl.String,
            "`isotonic`, `platt`, `rate` (the score tells nothing: one probability), or `prior` (too few labels)",
        ),
        "mapping": Column(KNOTS, "score to probability, linear in between; empty where the prior stays"),
        "brier": Column(pl.Float64, "mean squared error of the probability, on users it was not fitted on"),
        "calibration_error": Column(pl.Float64, "expected calibration error, on users it was not fitted on"),
        "reliability": Column(RELIABILITY, "what was predicted and what was found, in bins of equal size"),
        "floor": Column(pl.Float64, "what `lower` must reach"),
        "trains": Column(
            pl.Boolean, "whether its evidence is trusted: enough labels of enough users, `lower` at `floor`"
        ),
    },
)

VERDICTS = Table(
    "verdicts",
    "one row per interaction whose evidence changed on the day, folded as of it",
    "as_of",
    "interaction_id",
    {
        "as_of": Column(pl.Date, "cutoff: evidence that arrived up to and on this day counts"),
        "interaction_id": Column(pl.String, "answer judged"),
        "p_satisfied": Column(pl.Float64, "probability that the answer satisfied its user"),
        "p_trusted": Column(pl.Float64, "the same by trusted evidence alone; 0.5 where there is none"),
        "n_positive": Column(pl.Int32, "pieces of evidence for the answer"),
        "n_negative": Column(pl.Int32, "pieces of evidence against it"),
        "n_explicit": Column(pl.Int32, "pieces that were said, not read from behaviour"),
        "n_trusted": Column(pl.Int32, "pieces that are trusted"),
        "n_preferred": Column(pl.Int32, "other answers that somebody preferred it to"),
        "dominant_reason": Column(pl.String, "reason with the most confidence behind it"),
        "conflict": Column(
            pl.Boolean, "people said both that it is good and that it is not, or better and worse than the same answer"
        ),
        "reviewed": Column(pl.Boolean, "a reviewer said whether it is good, or what it should be: that decides"),
        "correction_id": Column(
            pl.String, "evidence_id of the newest replacement proposed for the answer; a reviewer's before others"
        ),
        "evidence_ids": Column(TEXTS, "what was folded, sorted"),
        "last_observed_at": Column(TIMESTAMP, "time of the newest piece"),
    },
)

DISSATISFACTION_RATES = Table(
    "dissatisfaction_rates",
    "one row per day and value of a dimension: the share of a week's answers that dissatisfy",
    "as_of",
    "value",
    {
        "as_of": Column(pl.Date, "cutoff: of the answers that arrived in the week up to it, what was said by then"),
        "dimension": Column(pl.String, "`all`, `model_version`, `user_role` or `environment`"),
        "value": Column(pl.String, "its value"),
        "interactions": Column(pl.Int64, "answers; of very many a sample"),
        "rated": Column(pl.Int64, "those of them of which people said something decided"),
        "users": Column(pl.Int64, "users whose answers the rated ones are"),
        "raw": Column(pl.Float64, "share of the rated that dissatisfy"),
        "raw_lower": Column(pl.Float64, "lower end of its 95 % interval (Wilson)"),
        "raw_upper": Column(pl.Float64, "upper end of it"),
        "corrected": Column(pl.Float64, "the same, weighted by who gives feedback; null where too few do"),
        "corrected_lower": Column(pl.Float64, "lower end of its 95 % interval (bootstrap over users)"),
        "corrected_upper": Column(pl.Float64, "upper end of it"),
        "effective_n": Column(pl.Float64, "rated answers that tell as much when weighted alike (Kish)"),
    },
)

ROUTES = Table(
    "routes",
    "one row per verdict: where it goes and why",
    "day",
    "interaction_id",
    {
        "day": Column(pl.Date, "the verdict's cutoff"),
        "interaction_id": Column(pl.String, "answer judged"),
        "destination": Column(pl.String, "`training`, `review` or `neither`"),
        "reason": Column(pl.String, "the rule that decided"),
    },
)

THEMES = Table(
    "themes",
    "one row per recurring problem, as of the day",
    "day",
    "theme_id",
    {
        "day": Column(pl.Date, "cutoff: problems that were known up to and on this day count"),
        "theme_id": Column(pl.String, "hash of its founding day and members; never changes"),
        "name": Column(pl.String, "its most distinguishing terms"),
        "terms": Column(TEXTS, "terms that set it apart (class-based TF-IDF), the strongest first"),
        "exemplar_ids": Column(TEXTS, "interactions nearest to its centre"),
        "dominant_reason": Column(pl.String, "the most frequent reason of its recent problems, where one is known"),
        "model_versions": Column(TEXTS, "what gave its answers, sorted"),
        "first_seen": Column(pl.Date, "day of its first problem"),
        "last_seen": Column(pl.Date, "day of its newest problem"),
        "size": Column(pl.Int64, "problems that ever joined it"),
        "recent": Column(pl.Int64, "problems of the last 28 days"),
        "exposure": Column(pl.Int64, "interactions of the last 28 days"),
        "rate": Column(pl.Float64, "recent / exposure"),
        "rate_lower": Column(pl.Float64, "lower end of its 95 % interval (Wilson)"),
        "rate_upper": Column(pl.Float64, "upper end of its 95 % interval"),
        "similarity": Column(pl.Float64, "mean cosine of founders with the centroid of the others"),
        "threshold": Column(pl.Float64, "least cosine with which a problem joins"),
        "centroid": Column(pl.List(pl.Float64), "mean direction of its members"),
        "merged_into": Column(pl.String, "theme_id that took it over; it gets no further problems"),
        "encoder": Column(pl.String, "whose vectors these are, `name@version`"),
    },
)

THEME_MEMBERS = Table(
    "theme_members",
    "one row per problem exchange that is new on the day, or that found its theme on it",
    "day",
    "interaction_id",
    {
        "day": Column(pl.Date, "when it became known, or found its theme"),
        "interaction_id": Column(pl.String, "answer that did not satisfy"),
        "seen": Column(pl.Date, "day it became known as a problem"),
        "theme_id": Column(pl.String, "its theme; null while it waits"),
        "similarity": Column(pl.Float64, "cosine with the theme's centroid"),
    },
)

THEME_CHANGES = Table(
    "theme_changes",
    "one row per theme founded, merged or split",
    "day",
    "theme_id",
    {
        "day": Column(pl.Date, "when"),
        "theme_id": Column(pl.String, "theme that changed"),
        "change": Column(pl.String, "`founded`, `merged` into another, or `split` off another"),
        "other_theme_id": Column(pl.String, "theme it went into or came from"),
        "members": Column(pl.Int64, "problems concerned"),
    },
)

THEME_TRENDS = Table(
    "theme_trends",
    "one row per theme and day: how often its problem comes, and whether that is beyond chance",
    "day",
    "theme_id",
    {
        "day": Column(pl.Date, "cutoff: problems that were known up to and on this day count"),
        "theme_id": Column(pl.String, "theme, one that was not merged into another"),
        "name": Column(pl.String, "its name on the day"),
        "problems": Column(pl.Int64, "its problems that became known on the day"),
        "conversations": Column(pl.Int64, "conversations these are of: what the tests count"),
        "exposure": Column(pl.Int64, "interactions that arrived on the day"),
        "rate": Column(pl.Float64, "conversations / exposure; null without interactions"),
        "rate_lower": Column(pl.Float64, "lower end of its 95 % interval (Wilson, widened by the dispersion)"),
        "rate_upper": Column(pl.Float64, "upper end of it"),
        "dispersion": Column(pl.Float64, "variance of its daily conversations over that of chance alone, at least 1"),
        "past_days": Column(pl.Int64, "days with interactions before these that it is compared with"),
        "window_days": Column(pl.Int64, "days up to the day in which it stands out most: 1, 2 or 7"),
        "window_conversations": Column(pl.Int64, "conversations with its problems in these days"),
        "expected": Column(pl.Float64, "what its past rate gives for them"),
        "p_value": Column(pl.Float64, "chance of so many or more at its past rate, over all windows; null untested"),
        "q_value": Column(pl.Float64, "the same, corrected for the number of themes (Benjamini-Hochberg)"),
        "rising": Column(pl.Boolean, "beyond chance against its own past; null where there is not enough of that"),
        "new_with": Column(TEXTS, "model versions and system contexts with which it came, or came more, sorted"),
        "came_back": Column(pl.Boolean, "rising after it had been quiet since a change of model or system context"),
        "quiet_since": Column(pl.Date, "day of the change since which it came less than before, beyond chance"),
        "why": Column(pl.String, "the flags in a sentence, or what is missing to tell"),
    },
)

CURATED_EXAMPLES = Table(
    "curated_examples",
    "one row per candidate example: kept, or rejected with a reason",
    "week",
    "example_id",
    {
        "week": Column(pl.Date, "Monday of the training cycle"),
        "example_id": Column(pl.String, "hash of format, interactions and origin"),
        "format": Column(pl.String, "`sft`, `preference` or `unpaired`"),
        "kept": Column(pl.Boolean, "whether it enters the dataset"),
        "filter_reason": Column(pl.String, "why it does not"),
        "duplicate_of": Column(pl.String, "example_id kept in its place"),
        "supporting_ids": Column(TEXTS, "of a kept one, examples dropped as its duplicates, by the week's end; sorted"),
        "supporting_users": Column(pl.Int64, "users behind it and these, each counted once"),
        "neighbour_ids": Column(
            TEXTS, "examples kept by the week's end whose question means the same, nearest first, at most 10; a flag"
        ),
        "split": Column(pl.String, "`train` or `test`, by a stable hash of the group"),
        "group_id": Column(pl.String, "user, or session where no user is known: never on two sides"),
        "prompt": Column(MESSAGES, "system context and conversation, redacted"),
        "question": Column(
            pl.String,
            "as in `interactions`, redacted: what questions are compared by; null: the last user message",
        ),
        "completion": Column(MESSAGES, "sft and unpaired: the answer"),
        "chosen": Column(MESSAGES, "preference: the better answer"),
        "rejected": Column(MESSAGES, "preference: the worse answer"),
        "label": Column(pl.Boolean, "unpaired: whether the answer was liked"),
        "origin": Column(pl.String, "`correction`, `inline_edit`, `accepted`, `preference` or `thumb`"),
        "reason": Column(pl.String, "reason category of what was wrong, where known"),
        "interaction_id": Column(pl.String, "answer it was made from"),
        "session_id": Column(pl.String, "its conversation"),
        "model_version": Column(pl.String, "what gave the answer"),
        "evidence_ids": Column(TEXTS, "evidence it rests on, sorted"),
        "author_id": Column(pl.String, "user who proposed, preferred or voted, or whose question was answered well"),
        "by_reviewer": Column(pl.Boolean, "whether that was a reviewer"),
        "source": Column(pl.String, "folder of the landing zone the answer came from"),
        "observed_at": Column(TIMESTAMP, "time of the newest evidence"),
    },
)

REVIEW_QUEUE = Table(
    "review_queue",
    "one row per answer that waits for a reviewer as of the week, its near-copies included",
    "week",
    "item_id",
    {
        "week": Column(pl.Date, "Monday of the training cycle"),
        "item_id": Column(pl.String, "hash of the first interaction"),
        "priority": Column(pl.Int64, "1 is first: what is said to be unsafe, then what most users spoke of"),
        "reason": Column(pl.String, "the most frequent `filter_reason` or routing rule that holds it"),
        "held_by": Column(pl.String, "`curation` (corrections) or `routing` (answers)"),
        "since": Column(pl.Date, "week, or day, since when it waits"),
        "interaction_ids": Column(TEXTS, "answers concerned, sorted; a reviewer's event names one of them"),
        "question": Column(pl.String, "last user message of the first, redacted"),
        "answer": Column(pl.String, "what was answered, redacted"),
        "users": Column(pl.Int64, "independent users who spoke of it"),
        "sides": Column(
            SIDES,
            "what they want, the largest side first: `keep` the answer, `replace` it by `text` (redacted), or `object`",
        ),
        "neighbour_ids": Column(TEXTS, "examples kept whose question means the same, nearest first, at most 10"),
    },
)

DATASETS = Table(
    "datasets",
    "one row per dataset version, format and split",
    "week",
    "dataset_version",
    {
        "week": Column(pl.Date, "Monday of the training cycle; examples of all weeks up to it are in"),
        "dataset_version": Column(pl.String, "week and the start of the content hash"),
        "content_hash": Column(pl.String, "SHA-256 of the canonical content"),
        "parent_version": Column(pl.String, "version of the cycle before"),
        "folder": Column(pl.String, "folder below the home"),
        "format": Column(pl.String, "`sft`, `preference` or `unpaired`"),
        "split": Column(pl.String, "`train` or `test`"),
        "examples": Column(pl.Int64, "rows"),
    },
)

MODEL_VERSIONS = Table(
    "model_versions",
    "one row per adapter trained",
    "week",
    "model_version",
    {
        "week": Column(pl.Date, "Monday of the training cycle"),
        "model_version": Column(pl.String, "hash of dataset, base model, configuration and seed"),
        "dataset_version": Column(pl.String, "what it was trained on"),
        "dataset_hash": Column(pl.String, "content hash of it"),
        "parent_version": Column(pl.String, "model that training continued from; null where it began at the base"),
        "base_model": Column(pl.String, "name of the base model"),
        "base_hash": Column(pl.String, "SHA-256 of the base model's weights"),
        "method": Column(pl.String, "stages in their order, such as `sft` or `sft+dpo`"),
        "config": Column(pl.String, "training configuration, JSON"),
        "seed": Column(pl.Int64, "seed of every random choice"),
        "examples": Column(pl.Int64, "examples trained on, each counted once, those of replay among them"),
        "tokens": Column(pl.Int64, "non-padding tokens seen"),
        "steps": Column(pl.Int64, "optimizer steps"),
        "train_loss": Column(pl.Float64, "mean loss of the last stage's last epoch: nats a token where that is `sft`"),
        "stages": Column(pl.String, "what every stage did, JSON"),
        "notes": Column(
            pl.String, "why there is no preference stage, and what the base's chat template refuses; else null"
        ),
        "seconds": Column(pl.Float64, "wall time of training"),
        "folder": Column(pl.String, "adapter folder below the home"),
        "adapter_hash": Column(pl.String, "SHA-256 of adapter_model.safetensors"),
        "libraries": Column(pl.String, "versions of what trained it, JSON"),
    },
)

SCORES = Table(
    "scores",
    "one row per model, suite, metric and example",
    "week",
    "example_id",
    {
        "week": Column(pl.Date, "Monday of the training cycle"),
        "model_version": Column(pl.String, "what was scored; a base model is named by its name and hash"),
        "adapter_hash": Column(
            pl.String,
            "SHA-256 of the adapter's weights that were scored; null of a base model and in rows from before there was "
            "the column",
        ),
        "suite": Column(
            pl.String,
            "`target`, `answers`, `general`, `short_answers`, `regression`, `canaries`, `triggers`, `external`, "
            "`judged`; of the base `canary_screening` and `short_answer_screening`; of the judge `judge_agreement`",
        ),
        "suite_hash": Column(pl.String, "SHA-256 of the suite's content: rows with different hashes do not compare"),
        "evaluator": Column(pl.String, "scorer and its version"),
        "seed": Column(pl.Int64, "seed that the suite's cases were drawn by"),
        "metric": Column(
            pl.String,
            "what was measured, see `evaluation/scores.py`, `answering.py`, `short_answers.py`, `canaries.py`, "
            "`triggers.py` and `judgements.py`; of `external` the task and its own metric",
        ),
        "example_id": Column(pl.String, "example, question, or task and number of its document"),
        "case_hash": Column(pl.String, "SHA-256 of the case's content: what was scored once is not scored again"),
        "group_id": Column(pl.String, "cluster: the user, or the session where no user is known"),
        "value": Column(
            pl.Float64, "nll: nats a token of the wanted answer; margins: nats; words; a task's own; all others: 0 to 1"
        ),
        "tokens": Column(pl.Int64, "tokens of the wanted answer"),
        "answer": Column(pl.String, "what the model answered, where it was asked for all of its answer"),
    },
)

CASE_SLICES = Table(
    "case_slices",
    "one row per held-out example and dimension: the slice it is in",
    "week",
    "example_id",
    {
        "week": Column(pl.Date, "Monday of the training cycle"),
        "example_id": Column(pl.String, "example of the test split"),
        "dimension": Column(pl.String, "`reason`, `user_role`, `language`, `environment` or `theme`"),
        "value": Column(pl.String, "its value; an example without one has no row"),
    },
)

PROMOTIONS = Table(
    "promotions",
    "one row per gate decision",
    "week",
    "candidate",
    {
        "week": Column(pl.Date, "Monday of the training cycle"),
        "candidate": Column(pl.String, "model version put forward"),
        "adapter_hash": Column(
            pl.String, "SHA-256 of the weights put forward; null in rows from before there was the column"
        ),
        "reference": Column(pl.String, "what it was compared with: the champion, or the base model"),
        "decision": Column(
            pl.String,
            "`promoted`, `refused` or `inconclusive`; of what is shown to be better, `awaiting_approval` where the "
            "policy wants a person, `blocked` where the candidate or what it rests on is held",
        ),
        "reason": Column(pl.String, "the decision in one sentence"),
        "suite": Column(pl.String, "suite of the metric that decided; null in rows from before there was the column"),
        "metric": Column(pl.String, "metric that decided"),
        "slice_dimension": Column(pl.String, "dimension of the slice that decided; null where none did"),
        "slice_value": Column(pl.String, "its value"),
        "estimate": Column(pl.Float64, "mean paired improvement, positive is better"),
        "lower": Column(pl.Float64, "lower end of its interval"),
        "upper": Column(pl.Float64, "upper end of its interval"),
        "confidence_level": Column(pl.Float64, "coverage of the interval"),
        "n": Column(pl.Int64, "examples compared"),
        "clusters": Column(pl.Int64, "users (or sessions) they come from"),
        "p_value": Column(pl.Float64, "of a candidate that is no better on the target doing as well"),
        "alpha": Column(pl.Float64, "what the p-value had to reach"),
        "alpha_spent": Column(pl.Float64, "what this look took from the error budget of its year"),
        "dataset_version": Column(pl.String, "what the candidate was trained on"),
        "parent_version": Column(pl.String, "model that its training continued from"),
        "suite_hash": Column(pl.String, "suite compared on"),
        "comparisons": Column(
            pl.String,
            "every comparison made, JSON; `p_worse`, of a loss beyond what is demanded, is adjusted for all that was "
            "looked at, and null where nothing was",
        ),
        "slices": Column(pl.String, "what is known of every protected slice, JSON"),
        "judge": Column(pl.String, "what a judge found and whether it counts, JSON; null where there was none"),
        "policy": Column(pl.String, "margins, level, resamples and seed, JSON"),
        "run_id": Column(pl.String, "Dagster run that decided"),
    },
)

MODEL_ACTS = Table(
    "model_acts",
    "one row per act in the registry: who did what to a model, a dataset version or an example, and why",
    "day",
    "subject",
    {
        "day": Column(pl.Date, "when"),
        "acted_at": Column(TIMESTAMP, "when, to the microsecond"),
        "act": Column(
            pl.String, "`promoted` (by the gate), `approved`, `rolled_back`, `held`, `released` or `deployed`"
        ),
        "subject": Column(pl.String, "model version, dataset version or example_id"),
        "subject_kind": Column(pl.String, "`model`, `dataset` or `example`"),
        "cause": Column(pl.String, "of a dataset, the held example in it"),
        "deployed_as": Column(pl.String, "of a deployment, what the product's logs call the version"),
        "champion_before": Column(pl.String, "who was champion; null where it was the base model"),
        "champion_after": Column(pl.String, "who was champion from then on"),
        "acted_by": Column(pl.String, "who did it: a person, the gate, or the watch over the champion"),
        "why": Column(pl.String, "why, in their words"),
    },
)

CHAMPION_WATCH = Table(
    "champion_watch",
    "one row per day on which users had said something of the champion and of the version before it",
    "day",
    "model_version",
    {
        "day": Column(pl.Date, "cutoff: what was said by then counts"),
        "model_version": Column(pl.String, "who was promoted last by that day"),
        "predecessor": Column(pl.String, "the version it was compared with when it was promoted"),
        "deployed_as": Column(TEXTS, "what the logs call it"),
        "users": Column(pl.Int64, "pairs of what users said of the one and of the other"),
        "satisfied": Column(pl.Float64, "mean P(satisfied) of the champion, a user counted once"),
        "satisfied_before": Column(pl.Float64, "the same of its predecessor"),
        "difference": Column(pl.Float64, "mean of the pairs' differences, below zero where it fell"),
        "lower": Column(pl.Float64, "lower end of its interval, which holds however often one looks"),
        "upper": Column(pl.Float64, "upper end of it"),
        "alpha": Column(pl.Float64, "chance that the interval ever misses"),
        "dropped": Column(pl.Boolean, "whether a drop is proven: the whole interval lies below zero"),
    },
)

TABLES = {
    table.name: table
    for table in (
        LANDED_FILES,
        RAW_EVENTS,
        INTERACTIONS,
        ANSWER_PARTS,
        FEEDBACK_EVENTS,
        EVIDENCE,
        EVIDENCE_CALIBRATION,
        VERDICTS,
        DISSATISFACTION_RATES,
        ROUTES,
        THEMES,
        THEME_MEMBERS,
        THEME_CHANGES,
        THEME_TRENDS,
        CURATED_EXAMPLES,
        REVIEW_QUEUE,
        DATASETS,
        MODEL_VERSIONS,
        SCORES,
        CASE_SLICES,
        PROMOTIONS,
        MODEL_ACTS,
        CHAMPION_WATCH,
    )
}
