"""Who is champion and who may become it, from what the gate decided and what people did about it."""

from dataclasses import dataclass, replace
from datetime import date, datetime

PROMOTED = "promoted"
REFUSED = "refused"
INCONCLUSIVE = "inconclusive"
AWAITING_APPROVAL = "awaiting_approval"
BLOCKED = "blocked"

APPROVED = "approved"
ROLLED_BACK = "rolled_back"
HELD = "held"
RELEASED = "released"
DEPLOYED = "deployed"

MODEL = "model"
DATASET = "dataset"
EXAMPLE = "example"


@dataclass(frozen=True)
class Act:
    """What somebody did in the registry, when and why. `subject` is a model, a dataset version or an example.

    `cause` is the example for whose sake a dataset is held.
    """

    acted_at: datetime
    act: str
    subject: str
    subject_kind: str
    acted_by: str
    why: str
    deployed_as: str | None = None
    cause: str | None = None


@dataclass(frozen=True)
class Decided:
    """A decision of the gate."""

    week: date
    candidate: str
    decision: str


@dataclass(frozen=True)
class Ancestry:
    """What a model was trained on, and the model that training continued from."""

    model_version: str
    dataset_version: str | None
    parent_version: str | None


@dataclass(frozen=True)
class Standing:
    """Decisions and acts in the order they were made. Everything else follows from them."""

    decisions: tuple[Decided, ...] = ()
    acts: tuple[Act, ...] = ()
    ancestry: tuple[Ancestry, ...] = ()

    def after(self, *acts: Act) -> "Standing":
        """What stands once these acts are done too."""
        return replace(self, acts=(*self.acts, *acts))

    def promoted(self, until: date = date.max) -> list[Decided]:
        """Who was promoted up to a week and may still be champion, each once, the champion last.

        By week, not by when it was decided: an earlier week that is run later takes the alias from nobody.
        """
        found: dict[str, Decided] = {}
        for decided in self.promotions(until):
            found.pop(decided.candidate, None)
            found[decided.candidate] = decided
        return list(found.values())

    def promotions(self, until: date = date.max) -> list[Decided]:
        """The decisions up to a week by which a version became champion and may still be, in the order of weeks."""
        barred = self.barred()
        approved = {act.subject for act in self.acts if act.act == APPROVED}

        def stands(decided: Decided) -> bool:
            shown = decided.decision in (PROMOTED, BLOCKED)
            approval = decided.decision == AWAITING_APPROVAL and decided.candidate in approved
            return decided.week <= until and decided.candidate not in barred and (shown or approval)

        return sorted(filter(stands, self.decisions), key=lambda decided: decided.week)

    def to_beat(self, week: date, candidate: str) -> str | None:
        """What a candidate of `week` has to beat: the version promoted last up to that week, None for the base model.

        As of the week, and without the candidate's own promotion in it, so that a week run again meets
        whom it met the first time. Who was held or rolled back since need not be beaten.
        """
        others = tuple(each for each in self.decisions if (each.week, each.candidate) != (week, candidate))
        promoted = replace(self, decisions=others).promoted(until=week)
        return promoted[-1].candidate if promoted else None

    @property
    def versions(self) -> set[str]:
        """Every version that was decided on or trained: what is called otherwise is a base model."""
        return {each.candidate for each in self.decisions} | {each.model_version for each in self.ancestry}

    @property
    def champion(self) -> str | None:
        """The version users are to have; None where that is the base model."""
        standing = self.promoted()
        return standing[-1].candidate if standing else None

    def barred(self) -> dict[str, str]:
        """Models that cannot be champion, and why: held or rolled back, or trained on or from what is."""
        bars = {(act.subject_kind, act.subject): act for act in self.effective()}
        found = {subject: _done(act) for (kind, subject), act in bars.items() if kind == MODEL}
        children: dict[str, set[str]] = {}
        for model in self.ancestry:
            if model.parent_version:
                children.setdefault(model.parent_version, set()).add(model.model_version)
            if held := bars.get((DATASET, model.dataset_version or "")):
                found.setdefault(model.model_version, f"its dataset {model.dataset_version} was {_done(held)}")
        waiting = list(found)
        while waiting:
            parent = waiting.pop()
            for child in sorted(children.get(parent, set()) - found.keys()):
                found[child] = f"it continues from {parent}: {found[parent]}"
                waiting.append(child)
        return found

    def effective(self) -> list[Act]:
        """The acts that bar a subject, the last of each subject and cause, unless that released it."""
        last = {(act.subject, act.cause): act for act in self.acts if act.act in (HELD, ROLLED_BACK, RELEASED)}
        return [act for act in last.values() if act.act != RELEASED]

    def names_of(self, model_version: str) -> set[str]:
        """What the product's logs call a version: itself, and as what it was deployed."""
        return {model_version} | {
            act.deployed_as for act in self.acts if act.subject == model_version and act.deployed_as
        }


def rolled_back_to(standing: Standing, target: str | None) -> list[str]:
    """The versions that going back to `target` undoes, the champion first; None goes back to the base model.

    Raises `LookupError` where `target` was not promoted, or is no longer.
    """
    versions = [decided.candidate for decided in standing.promoted()]
    if target is not None and target not in versions:
        raise LookupError(f"{target} is not among those that can be champion: {', '.join(versions) or 'none'}")
    kept = versions.index(target) + 1 if target else 0
    return versions[kept:][::-1]


def _done(act: Act) -> str:
    return f"{act.act.replace('_', ' ')} by {act.acted_by} on {act.acted_at:%Y-%m-%d}: {act.why}"
