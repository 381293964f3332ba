"""What runs, what is skipped and why, and when a figure counts as met."""

from __future__ import annotations

from pathlib import Path

import pytest

from allometry.notices import Refused
from allometry.reproduction import FIGURES, find_table, prepare, table_names
from allometry.reproduction.check import differs, measured, published
from allometry.reproduction.suite import checkers


def test_a_figure_is_met_within_its_tolerance_and_never_when_it_is_no_number() -> None:
    assert published("a", 0.5124, 0.512, 0.0005).met
    assert not published("a", 0.5126, 0.512, 0.0005).met
    assert not published("a", float("nan"), 0.512, 0.0005).met
    assert not published("a", float("inf"), float("inf"), 1.0).met


def test_where_the_data_give_another_figure_ours_is_held_to_that() -> None:
    check = differs("a", 0.197, 0.307, 0.197, 0.001, "their rows are not these")
    assert (check.kind, check.met, check.as_json()["difference"]) == ("differs", True, pytest.approx(-0.11))
    assert not differs("a", 0.307, 0.307, 0.197, 0.001, "their rows are not these").met
    assert (published("a", 1, 1.0, 0).kind, measured("a", 1, 1.0, 0).kind) == ("published", "measured")
    assert measured("a", 1, 1.0, 0).as_json()["difference"] is None


def test_every_table_has_checks_a_converter_and_a_whole_source() -> None:
    folder = Path(__file__).parents[2] / "src" / "allometry" / "reproduction"
    for kind in ("checks", "converters"):
        assert {path.stem for path in (folder / kind).glob("[!_]*.py")} == set(table_names())
    for name in table_names():
        table = find_table(name)
        assert len(table.sha256) == 64
        assert len(table.commit) == 40
        assert table.repository.count("/") == 2
        assert checkers(name)


def test_without_a_folder_only_figures_run_and_every_table_is_said_to_be_skipped() -> None:
    suite = prepare()
    assert [skipped.name for skipped in suite.skipped] == list(table_names())
    assert all("--from CHECKOUT" in skipped.why for skipped in suite.skipped)
    assert all(job.name.startswith(FIGURES) for job in suite.jobs)


def test_the_figures_of_the_laws_are_met_and_named_apart() -> None:
    ticks: list[int] = []
    suite = prepare(FIGURES)
    report = suite.run(ticks.append)
    assert report.unmet == ()
    assert len({check.name for check in report.checks}) == len(report.checks) > 10
    assert sum(ticks) == len(suite.jobs)


def test_a_table_with_other_bytes_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "parscale.csv").write_text("dataset,loss\npile,2.0\n")
    suite = prepare(folder=tmp_path)
    why = {skipped.name: skipped.why for skipped in suite.skipped}
    assert set(why) == set(table_names())
    assert find_table("parscale").sha256 in why["parscale"]
    assert "is not in" in why["bnsl_addition"]
    with pytest.raises(Refused, match="another table"):
        prepare("parscale", tmp_path)


def test_one_table_that_is_absent_is_refused_with_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"github\.com/QwenLM/ParScale at commit cd6acb48"):
        prepare("parscale", tmp_path)


def test_unknown_names_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="parscale"):
        prepare("parscales", tmp_path)
    with pytest.raises(Refused, match="is no folder"):
        prepare(folder=tmp_path / "absent")
