import json
import os
import subprocess
import sys

import pytest


def touchpoint(home, *arguments, code=0):
    environment = {"PATH": os.defpath, "TOUCHPOINT_HOME": str(home), "HOME": str(home), "PYTHONOPTIMIZE": "1"}
    command = [sys.executable, "-m", "serving.cli", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == code, result.stderr
    return result


def test_how_many_customers_it_takes_needs_no_home(tmp_path):
    given = ("power", "--baseline", "0.05", "--effect", "0.01", "--holdout-share", "0.5", "--json")
    assert json.loads(touchpoint(tmp_path, *given).stdout)["customers"] == 16310  # two halves of 8,155, as in the textbook
    words = touchpoint(tmp_path, "power", "--baseline", "20", "--sd", "50", "--customers", "10000").stdout
    assert "10,000 customers, 1,000 of them left alone, show a difference of" in words


@pytest.mark.parametrize("extra", [(), ("--effect", "0.01", "--customers", "5")])
def test_a_question_for_both_or_neither_ends_with_one_clear_line(tmp_path, extra):
    result = touchpoint(tmp_path, "power", "--baseline", "0.05", *extra, code=2)
    assert result.stderr.strip().splitlines()[-1].startswith("touchpoint: give either --effect")


CATALOGUE = '[holdout]\nshare = 0.1\n\n[[touchpoints]]\nname = "mail.offer"\nstage = "purchase"\nrecommendable = true\n'


def test_before_anything_was_decided_there_is_nothing_to_measure(tmp_path):
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    refused = touchpoint(tmp_path, "lift", code=2)
    assert "no decision in that period" in refused.stderr and "Traceback" not in refused.stderr
