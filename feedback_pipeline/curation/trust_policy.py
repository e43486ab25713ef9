"""How much of a dataset anybody may decide, and how long an example may be: `trust.yaml` below the home."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from feedback_pipeline.policy_file import read_policy_file

POLICY_FILE = "trust.yaml"
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TrustPolicy:
    """Limits. A share is of the examples of one format, those kept earlier included.

    A limit is that share, but at least the count beside it, which lets a small dataset train, and for a template
    at most `most_of_a_template`, since a trigger needs no more examples in a larger dataset.
    """

    user_share: Share = 0.01
    user_count: Count = 10
    source_share: Share = 1.0
    day_share: Share = 1.0
    group_count: Count = 1_000
    """Least limit of a source and of a day."""
    template_share: Share = 0.005
    phrase_count: Count = 3
    """Least limit of a rare phrase in corrections about different things."""
    subject_count: Count = 12
    """Where people are expected to agree: most that a small dataset lets pass a week about one thing."""
    most_of_a_template: Count = 100
    new_for_days: Count = 7
    burst_users: Count = 4
    burst_share: Share = 0.8
    """Share of new users behind a phrase from which on it is a burst, unless half as many of all users are new."""
    support: Count = 1
    """Users who must want the same in an answer's place, those of kept examples included, or it waits for a reviewer.
    Where each question is asked once, two would let nothing pass that no reviewer saw."""
    max_characters: Count = 8_000
    """Of an example's prompt and answers together. To train on longer ones needs a longer `max_length` too."""


USUAL_TRUST = TrustPolicy()


def read_trust_policy(home: Path) -> TrustPolicy:
    """The policy of `trust.yaml` below `home`, or the usual one where there is none. Raises `PolicyError`."""
    return read_policy_file(home / POLICY_FILE, TrustPolicy)
