import signal
import subprocess
import sys

import pytest

from feedback_pipeline.training.atomic_folder import whole_folder

KILLED_INSIDE = """
import os, signal, sys
from pathlib import Path
from feedback_pipeline.training.atomic_folder import whole_folder
with whole_folder(Path(sys.argv[1])) as unfinished:
    (unfinished / "weights").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_takes_its_name_when_all_of_it_is_there(tmp_path):
    with whole_folder(tmp_path / "model") as unfinished:
        (unfinished / "weights").write_text("all")
        assert not (tmp_path / "model").exists()

    assert (tmp_path / "model" / "weights").read_text() == "all"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="disk"), whole_folder(tmp_path / "model"):
        raise RuntimeError("disk")

    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_nothing_that_looks_finished_and_the_next_run_finishes(tmp_path):
    target = tmp_path / "model"

    killed = subprocess.run([sys.executable, "-c", KILLED_INSIDE, str(target)], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    with whole_folder(target) as unfinished:
        (unfinished / "weights").write_text("all")
    assert (target / "weights").read_text() == "all"


def test_of_two_that_finish_the_first_stays(tmp_path):
    target = tmp_path / "model"
    with whole_folder(target) as late:
        (late / "weights").write_text("late")
        with whole_folder(target) as early:
            (early / "weights").write_text("early")

    assert (target / "weights").read_text() == "early"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
