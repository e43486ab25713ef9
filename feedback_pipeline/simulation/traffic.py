"""A shard: some thousand interactions of one day, simulated from the seed alone, apart from all others."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from feedback_pipeline.simulation.campaign import campaign_member, campaign_size, campaign_target
from feedback_pipeline.simulation.config import SimulationConfig
from feedback_pipeline.simulation.delivery import ID_FIELD, Delivery, Line
from feedback_pipeline.simulation.questions import PersonalData
from feedback_pipeline.simulation.rise import is_risen, version_of
from feedback_pipeline.simulation.sessions import Feedback, Session
from feedback_pipeline.simulation.spoken import Spoken
from feedback_pipeline.simulation.users import user
from feedback_pipeline.simulation.wire import chat_completion, feedback_event, interaction_truth
from feedback_pipeline.simulation.world import World, build_world

SHARD_SIZE = 10_000
FIRST_HOUR, HOURS = 6, 16


@dataclass(frozen=True)
class Shard:
    """Part `number` of the parts that day `day` (from 0) is cut into."""

    day: int
    number: int


@dataclass
class Traffic:
    """Lines of one shard, and the truth about them by name of the truth's file."""

    delivery: Delivery
    truth: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"interactions": [], "feedback": [], "personal_data": []}
    )


def shards(config: SimulationConfig, days: range | None = None) -> list[Shard]:
    """The shards of `days` (by default all), in order of time."""
    written = range(config.days) if days is None else days
    return [Shard(day, number) for day in written for number in range(_shards_a_day(config))]


def simulate_shard(config: SimulationConfig, shard: Shard, spoken: Spoken | None = None) -> Traffic:
    """The traffic of one shard. Memory is bounded by `SHARD_SIZE`, whatever the size of the day."""
    rng = random.Random(f"{config.seed}/{shard.day}/{shard.number}")
    world = build_world(config)
    traffic = Traffic(Delivery(config, config.start + timedelta(days=shard.day), shard.number, rng))
    for session in _sessions(config, shard, world, rng, spoken):
        _log(session, traffic, config, rng)
    return traffic


def line_truth(place: tuple[str, Any, str], lines: Iterable[Line]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A file's counts by outcome, and its lines that are not accepted, by line number from 1."""
    source, day, name = place
    where = {"source": source, "arrival_day": str(day), "file": name}
    counts = dict.fromkeys(("accepted", "duplicate", "malformed"), 0)
    troubled = []
    for number, line in enumerate(lines, start=1):
        counts[line.outcome] += 1
        if line.outcome != "accepted":
            known = {ID_FIELD[source]: line.record_id} if line.outcome == "duplicate" else {}
            troubled.append({**where, "line_number": number, "outcome": line.outcome, "trouble": line.trouble, **known})
    return {**where, "lines": sum(counts.values()), **counts}, troubled


def _shards_a_day(config: SimulationConfig) -> int:
    return -(-config.interactions_per_day // SHARD_SIZE)


def _sessions(
    config: SimulationConfig, shard: Shard, world: World, rng: random.Random, spoken: Spoken | None
) -> Iterator[Session]:
    """Sessions until the shard's share of the day's interactions is reached exactly."""
    parts = _shards_a_day(config)
    budget = _budget(config, shard)
    window = timedelta(hours=HOURS) / parts
    midnight = datetime.combine(config.start + timedelta(days=shard.day), time(), UTC)
    opening = midnight + timedelta(hours=FIRST_HOUR) + shard.number * window
    risen = is_risen(config, shard.day)
    while budget > 0:
        number = rng.randrange(config.users)
        session = Session(
            user=user(number, number in world.wrong_correctors, config.seed),
            environment="staging" if rng.random() < 0.07 else "production",
            model_version=_model_version(config, shard.day, spoken),
            clock=opening + timedelta(milliseconds=rng.randrange(int(window / timedelta(milliseconds=1)))),
            world=world,
            config=config,
            rng=rng,
            risen=risen,
            spoken=spoken,
        )
        session.run(budget)
        budget -= len(session.interactions)
        yield session
    yield from _campaign(config, shard, world, opening, spoken)


def _campaign(
    config: SimulationConfig, shard: Shard, world: World, opening: datetime, spoken: Spoken | None
) -> Iterator[Session]:
    """Sessions of accounts that act together; without any, what is simulated stays the same to the byte."""
    rng = random.Random(f"{config.seed}/campaign/{shard.day}/{shard.number}")
    for _ in range(campaign_size(config, shard.day, _budget(config, shard))):
        session = Session(
            user=campaign_member(config, rng),
            environment="production",
            model_version=_model_version(config, shard.day, spoken),
            clock=opening + timedelta(minutes=rng.uniform(0, 60 * HOURS / _shards_a_day(config))),
            world=world,
            config=config,
            rng=rng,
            risen=is_risen(config, shard.day),
            spoken=spoken,
        )
        session.run_campaign(*campaign_target(config, world, rng))
        yield session


def _budget(config: SimulationConfig, shard: Shard) -> int:
    return min(SHARD_SIZE, config.interactions_per_day - shard.number * SHARD_SIZE)


def _model_version(config: SimulationConfig, day: int, spoken: Spoken | None) -> str:
    if spoken:
        return spoken.model_version
    usual = config.model_versions[min(day // 7, len(config.model_versions) - 1)]
    return version_of(config, usual, is_risen(config, day))


def _log(session: Session, traffic: Traffic, config: SimulationConfig, rng: random.Random) -> None:
    for interaction in session.interactions:
        record = chat_completion(interaction, session)
        traffic.delivery.deliver("assistant", interaction.interaction_id, record, interaction.answered_at)
        traffic.truth["interactions"].append(interaction_truth(interaction, session))
        _note(interaction.personal_data, {"interaction_id": interaction.interaction_id}, traffic)
    for feedback in session.feedback:
        _log_feedback(feedback, session, traffic, orphan=False)
        if rng.random() < config.orphan_feedback and feedback.interaction_id:
            _log_feedback(_orphan(feedback, rng), session, traffic, orphan=True)


def _log_feedback(feedback: Feedback, session: Session, traffic: Traffic, orphan: bool) -> None:
    event = feedback_event(feedback, session)
    days_late = traffic.delivery.deliver("feedback", feedback.feedback_id, event, feedback.given_at)
    traffic.truth["feedback"].append(
        {
            "feedback_id": feedback.feedback_id,
            "kind": feedback.reaction.kind,
            **({"interaction_id": feedback.interaction_id} if feedback.interaction_id else {}),
            "honest": feedback.reaction.honest,
            **({"days_late": days_late} if days_late else {}),
            **({"orphan": True} if orphan else {}),
        }
    )
    _note(feedback.reaction.personal_data, {"feedback_id": feedback.feedback_id}, traffic)


def _orphan(feedback: Feedback, rng: random.Random) -> Feedback:
    """The same said about an answer that was never logged."""
    return Feedback(
        feedback_id=f"fb-{rng.getrandbits(64):016x}",
        interaction_id=f"chatcmpl-{rng.getrandbits(96):024x}",
        reaction=feedback.reaction,
        given_at=feedback.given_at,
    )


def _note(personal_data: PersonalData | None, where: dict[str, str], traffic: Traffic) -> None:
    if personal_data:
        traffic.truth["personal_data"].append({**where, "kind": personal_data.kind, "text": personal_data.text})
