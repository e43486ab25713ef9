"""A simulation that is written in parts: what they are together, and what may not follow them."""

from dataclasses import replace

import pytest

from feedback_pipeline.simulation import SimulationConfig, simulate

CONFIG = SimulationConfig(days=4, interactions_per_day=25, late_feedback=0.3, campaign=0.1, campaign_from_day=1)


def test_parts_written_one_after_the_other_are_the_whole_to_the_byte(tmp_path):
    def tree(name):
        return {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}

    whole = simulate(CONFIG, tmp_path / "whole" / "raw", tmp_path / "whole" / "truth")
    first, second = (
        simulate(CONFIG, tmp_path / "parts" / "raw", tmp_path / "parts" / "truth", days=days)
        for days in (range(2), range(2, 4))
    )

    (tmp_path / "parts" / "truth" / "parts.json").unlink()
    assert tree("parts") == tree("whole")
    assert first.interactions + second.interactions == whole.interactions
    assert first.bytes + second.bytes == whole.bytes


@pytest.mark.parametrize(
    ("config", "days"),
    [
        (CONFIG, range(2)),
        (CONFIG, range(3, 4)),
        (CONFIG, None),
        (replace(CONFIG, seed=8), range(2, 4)),
        (replace(CONFIG, corrections=0.4), range(2, 4)),
    ],
    ids=["days that are there", "days after a gap", "a whole", "another world", "other users"],
)
def test_what_does_not_go_on_with_the_days_that_are_there_is_refused_and_changes_nothing(config, days, tmp_path):
    def tree():
        return {path: path.read_bytes() for path in tmp_path.rglob("*.*")}

    simulate(CONFIG, tmp_path / "raw", tmp_path / "truth", days=range(2))
    before = tree()
    with pytest.raises(FileExistsError, match="without it"):
        simulate(config, tmp_path / "raw", tmp_path / "truth", days=days)
    assert tree() == before


@pytest.mark.parametrize("days", [range(0), range(4, 5), range(0, 4, 2)])
def test_days_outside_the_simulation_are_refused(days, tmp_path):
    with pytest.raises(ValueError, match="not among the 4"):
        simulate(CONFIG, tmp_path / "raw", tmp_path / "truth", days=days)
