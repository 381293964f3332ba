"""Ladders in tables and pictures: fronts, differences at equal FLOPs, and what is drawn."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main
from allometry.fits import Settings
from allometry.lab.ladders import ladder_of
from allometry.lab.ladders.comparing import Front, Point, measured_gaps, show_ladders
from allometry.lab.ladders.reading import read_tables
from allometry.lab.ladders.recipes import FURTHER, PLAIN, SIZE
from allometry.lab.rows import COLUMNS, EARLIER, Measured, row
from allometry.notices import Refused
from allometry.reports.ladders import ladder_figures, write_ladder_page

pytestmark = pytest.mark.lab
Make = Callable[..., Path]
FEW = Settings(bootstrap=50)
SETTINGS = {
    "clip": 1.0, "learning_rate": {"number": 0.1, "law": None, "values": {}}, "corpus": "task", "loop": 1,
    "optimiser": {"kind": "AdamW", "weight_decay": 0.1}, "evaluation": {"windows": 64, "every": None, "times": 2},
}  # fmt: skip


def rows_of(mechanism: str, better: float = 1.0, **columns: object) -> list[dict[str, object]]:
    """Twelve budgets with two seeds; the loss is a power of FLOPs, at each rung with the rung's own disturbance."""
    rung = np.random.default_rng(1).normal(0, 0.01, 12)
    found = []
    for i, flops in enumerate(np.geomspace(1e9, 1e12, 12)):
        for seed in (0, 1):
            own = np.random.default_rng([seed, i, len(mechanism)]).normal(0, 0.001)
            for step in (50, 100):
                loss = 20 * (better * flops * step / 100) ** -0.08 * np.exp(rung[i] + own)
                found.append({
                    **dict.fromkeys(COLUMNS, 1),
                    "run_id": f"{mechanism}{columns}-{i}-{seed}", "mechanism": mechanism, "params": 1000 * (i + 1), "tokens": 100 * step,
                    "flops": flops * step / 100, "flops_convention": "by component", "loops": 1, "streams": 1, "experts": 1,
                    "steps": 100, "step": step, "optimiser": "adamw", "schedule": "cosine", "seed": seed, "corpus": "task:1", "precision": "float32",
                    "loss_unit": "nats per byte", "loss": loss, "state": "finished", **EARLIER, **columns,
                })  # fmt: skip
    return found


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(name: str, rows: list[dict[str, object]], **settings: Any) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "ladder.json").write_text(json.dumps({"settings": {**SETTINGS, **settings}}))
        with (tmp_path / name / "runs.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path / name

    return write


def test_a_known_advantage_is_found_at_equal_flops(make: Make) -> None:
    """One that learns as if it had half as much compute again."""
    folders = [make("looped", rows_of("looped", 1.5, loops=2)), make("plain", rows_of("plain"))]
    found = show_ladders(read_tables(folders), settings=FEW)
    assert [front.recipe for front in found.fronts] == ["plain", "looped, loops 2"]
    [arms] = found.against
    assert arms.common == 12
    assert arms.multiplier.low is not None
    assert arms.multiplier.high is not None
    assert arms.multiplier.low < 1.5 < arms.multiplier.high
    assert arms.scale.target == pytest.approx(1e12)
    gaps = measured_gaps(*found.fronts)
    assert len(gaps) == 12
    for flops, gap in gaps:
        assert gap == pytest.approx(20 * flops**-0.08 * (1.5**-0.08 - 1), rel=0.15)


def test_fronts_average_seeds_and_hold_what_no_cheaper_point_beats(make: Make) -> None:
    found = show_ladders(read_tables([make("plain", rows_of("plain"))]), settings=FEW)
    [front] = found.fronts
    assert (found.against, found.apart) == ((), ())
    assert [point.runs for point in front.points] == [2] * 12
    for i, point in enumerate(front.points):
        assert point.front == all(point.loss < other.loss for other in front.points[:i])


def test_an_older_table_beside_a_newer_one(make: Make) -> None:
    """Columns that came later have what those runs had; what varies beside the mechanism is in the name."""
    old = [{k: v for k, v in row.items() if k not in EARLIER} for row in rows_of("plain")]
    new = rows_of("plain", 1.1, growth_factor=2, regulariser="loop", regulariser_weight=0.1)
    found = show_ladders(read_tables([make("new", new), make("old", old)]), settings=FEW)
    assert [front.recipe for front in found.fronts] == ["plain", "plain, stacked x2, regulariser 0.1"]
    by = show_ladders(found.rows, "growth_factor", settings=FEW)
    assert [front.recipe for front in by.fronts] == ["1", "2"]


def test_a_recipe_of_too_few_rungs_is_drawn_and_not_compared(make: Make) -> None:
    few = [row for row in rows_of("looped") if float(str(row["flops"])) < 1.5e9]
    found = show_ladders(read_tables([make("plain", rows_of("plain")), make("few", few)]), settings=FEW)
    assert found.against == ()
    assert "looped is not compared with plain" in found.apart[0]
    assert set(ladder_figures(found)) == {"curves", "front"}


def test_rates_that_were_tried_are_points_of_their_own(make: Make) -> None:
    rows = rows_of("plain", learning_rate=0.1) + rows_of("plain", 0.5, learning_rate=0.9)
    [front] = show_ladders(read_tables([make("plain", rows)]), settings=FEW).fronts
    assert [point.runs for point in front.points] == [2] * 24
    assert sum(point.front for point in front.points) <= 12


def test_diverged_and_unfinished_runs_are_no_points(make: Make) -> None:
    rows = rows_of("plain")
    rows[3] = {**rows[3], "loss": "", "state": "diverged"}
    found = show_ladders(read_tables([make("plain", rows[:-1])]), settings=FEW)
    assert [point.runs for point in found.fronts[0].points] == [1, *[2] * 10, 1]
    assert found.fronts[0].diverged == 1


def test_diverged_runs_are_counted_where_means_are_told(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recipe of which every run diverged is no baseline, and is told all the same."""
    wild = [{**row, "loss": "", "state": "diverged"} for row in rows_of("plain") if row["step"] == 50]
    folders = [make("wild", wild), make("tame", rows_of("looped", loops=2))]
    found = show_ladders(read_tables(folders), settings=FEW)
    assert [(front.recipe, len(front.points), front.diverged) for front in found.fronts] == [
        ("looped, loops 2", 12, 0), ("plain", 0, 24)
    ]  # fmt: skip
    assert "plain is not compared with looped, loops 2: none of its runs ended" in found.apart[0]
    says = "diverged runs, in no mean: 24 of plain"
    assert says in write_ladder_page(found, tmp_path / "page.html", "wild").read_text()
    with pytest.raises(SystemExit):
        main(["lab", "show", *map(str, folders), "--bootstrap", "0"])
    assert says in capsys.readouterr().out


def decayed(weight_decay: float) -> dict[str, Any]:
    return {"optimiser": {"kind": "AdamW", "weight_decay": weight_decay}}


def test_settings_that_differ_tell_recipes_apart(make: Make) -> None:
    """Runs of two weight decays have the same columns; a mean of both would pass for one over seeds."""
    none = make("none", rows_of("plain"), **decayed(0))
    much = make("much", rows_of("plain", 0.5, device="b"), **decayed(20))
    found = show_ladders(read_tables([none, much]), settings=FEW)
    assert [front.recipe for front in found.fronts] == [f"plain, optimiser weight_decay {n}" for n in (0, 20)]
    assert all(point.runs == 2 for front in found.fronts for point in front.points)
    with pytest.raises(Refused, match="optimiser adamw holds runs of several settings"):
        show_ladders(found.rows, "optimiser")
    by = show_ladders(found.rows, "folder", settings=FEW)
    assert [front.recipe for front in by.fronts] == [str(none), str(much)]


def test_periods_of_a_regulariser_tell_recipes_apart(make: Make) -> None:
    loop: dict[str, Any] = {"regulariser": "loop", "regulariser_weight": 0.1}
    rows = [row for period in (2, 3) for row in rows_of("plain", **loop, regulariser_period=period)]
    found = show_ladders(read_tables([make("one", rows)]), settings=FEW)
    assert [front.recipe for front in found.fronts] == [f"plain, period {period}" for period in (2, 3)]


@pytest.mark.parametrize(
    ("mechanism", "column", "values", "shared", "names"),
    [
        ("structured", "structure", ("low-rank", "block-dense"), {}, ("structured, low-rank", "structured, block-dense")),
        ("structured", "rank", (4, 8), {"structure": "low-rank"}, ("structured, rank 4", "structured, rank 8")),
        ("structured", "blocks", (2, 4), {"structure": "block-shuffle"}, ("structured, blocks 2", "structured, blocks 4")),
        ("looped", "looped_layers", (2, 4), {"loops": 2}, ("looped, looped_layers 2", "looped, looped_layers 4")),
        ("stable_loop", "injection", ("diagonal", "dense"), {"loops": 2}, ("stable_loop, injection diagonal", "stable_loop, injection dense")),
        ("experts", "granularity", (1, 2), {"experts": 4}, ("experts", "experts, granularity 2")),
        ("experts", "shared_experts", (0, 1), {"experts": 4}, ("experts", "experts, shared_experts 1")),
        ("experts", "dense_layers", (0, 1), {"experts": 4}, ("experts", "experts, dense_layers 1")),
        ("plain", "head_size", (8, 16), {}, ("plain, head_size 8", "plain, head_size 16")),
        ("plain", "stacking", ("after 25% of the FLOPs", "after 512 tokens"), {"growth_factor": 2},
         ("plain, after 25% of the FLOPs", "plain, after 512 tokens")),
    ],
)  # fmt: skip
def test_shapes_and_times_of_stacking_tell_recipes_apart(
    make: Make,
    mechanism: str,
    column: str,
    values: tuple[object, ...],
    shared: dict[str, object],
    names: tuple[str, ...],
) -> None:
    """In one folder, and where each has its own."""
    both = [rows_of(mechanism, 1 + number, **shared, **{column: value}) for number, value in enumerate(values)]
    folders = [[make("one", both[0] + both[1])], [make(f"own{number}", rows) for number, rows in enumerate(both)]]
    for each in folders:
        found = show_ladders(read_tables(each), settings=FEW)
        assert sorted(front.recipe for front in found.fronts) == sorted(names)
        assert [point.runs for front in found.fronts for point in front.points] == [2] * 24


def test_a_shape_that_goes_with_the_size_is_one_recipe(make: Make) -> None:
    """A rank for each width, beside the plain ladder of both."""
    sizes = [{"width": width, "params": 100 * width} for width in (16, 32)]
    low = [
        row
        for size, rank in zip(sizes, (4, 8), strict=True)
        for row in rows_of("structured", structure="low-rank", rank=rank, **size)
    ]
    plain = [row for size in sizes for row in rows_of("plain", structure="dense", **size)]
    found = show_ladders(read_tables([make("low", low), make("plain", plain)]), settings=FEW)
    assert [front.recipe for front in found.fronts] == ["plain", "structured"]


def test_a_table_without_the_columns_of_shapes_goes_with_one_that_has_them(make: Make) -> None:
    old = [{k: v for k, v in row.items() if k not in EARLIER} for row in rows_of("plain")]
    new = [{**row, "seed": 2 + int(str(row["seed"]))} for row in rows_of("plain", head_size=8, structure="dense")]
    [front] = show_ladders(read_tables([make("old", old), make("new", new)]), settings=FEW).fronts
    assert (front.recipe, {point.runs for point in front.points}) == ("plain", {4})


def test_every_field_of_a_shape_that_a_ladder_sets_is_told() -> None:
    """Where a new mechanism reads a further field, that needs a column, and a name in recipes."""
    from allometry.lab.ladders.shapes import PLAIN_FIELDS
    from allometry.lab.mechanisms.find import list_mechanisms

    asked = {name for mechanism in list_mechanisms().values() for name in mechanism.fields} | set(PLAIN_FIELDS)
    columns = {{"layers": "depth"}.get(name, name) for name in asked}
    assert columns <= set(COLUMNS)
    assert columns <= {*PLAIN, *FURTHER, *SIZE}


def test_runs_say_when_they_are_stacked(declared: dict[str, Any]) -> None:
    """The same row in either case but for when, how long and what follows from it."""
    sizes = [{"layers": 2, "width": 16, "heads": 2, "ffn": 32}]
    found = []
    for when in ({"base_share": 0.125}, {"base_tokens": 2048}):
        ladder = ladder_of({**declared, "sizes": sizes, "growth": {"factor": 2, **when}})
        found.append(row(ladder.jobs[0], Measured(1, 0.1, 1.0, 1.0, 0.0), ladder.corpus, "cpu"))
        assert any(found[-1]["stacking"] in step.says for step in ladder.steps)
    assert [each["stacking"] for each in found] == ["after 12.5% of the FLOPs", "after 2048 tokens"]
    assert {each["structure"] for each in found} == {"dense"}
    assert {each["head_size"] for each in found} == {8}


def test_what_says_when_or_with_which_rate_is_no_recipe(make: Make) -> None:
    rate = {"learning_rate": {"number": 0.2}, "evaluation": {"windows": 64, "every": 5, "times": None}}
    folders = [make("one", rows_of("plain")), make("two", rows_of("plain", learning_rate=0.2), **rate)]
    [front] = show_ladders(read_tables(folders), settings=FEW).fronts
    assert [point.runs for point in front.points] == [2] * 24


def test_one_seed_twice_at_a_point_is_two_recipes(make: Make) -> None:
    """By folder where there are two, refused within one: no column says what differs."""
    one, two = make("one", rows_of("plain")), make("two", rows_of("plain", device="b"))
    found = show_ladders(read_tables([one, two]), settings=FEW)
    assert [front.recipe for front in found.fronts] == [f"plain, {one}", f"plain, {two}"]
    both = make("both", rows_of("plain") + rows_of("plain", device="b"))
    with pytest.raises(Refused, match="two runs of one size, budget, rate and seed"):
        show_ladders(read_tables([both]), settings=FEW)
    shapes = make("shapes", rows_of("plain") + rows_of("plain", heads=4))
    [front] = show_ladders(read_tables([shapes]), settings=FEW).fronts
    assert [point.runs for point in front.points] == [2] * 24


def test_ladders_that_were_measured_otherwise_are_refused(make: Make, tmp_path: Path) -> None:
    one, few = make("one", rows_of("plain")), make("few", rows_of("looped"), evaluation={"windows": 8})
    with pytest.raises(Refused, match=r"differ in evaluation windows \(64, 8\)"):
        read_tables([one, few])
    (few / "ladder.json").write_text("[]")
    with pytest.raises(Refused, match="is not what a ladder writes"):
        read_tables([one, few])
    (few / "ladder.json").unlink()
    with pytest.raises(Refused, match="nobody knows how its runs were made"):
        read_tables([one, few])
    assert len(read_tables([few])) == 48


def test_gaps_are_of_the_best_at_equal_flops() -> None:
    """Two sizes and rates at the same FLOPs in either, in no order that pairs them."""
    one = Front("one", tuple(Point(1e9 * x, 1, 1, loss, True) for x, loss in ((1, 3.0), (1.001, 2.0), (2, 1.5))))
    other = Front("other", tuple(Point(1e9 * x, 1, 1, loss, True) for x, loss in ((1, 1.9), (1.001, 2.9), (3, 1.0))))
    [(flops, gap)] = measured_gaps(one, other)
    assert flops == pytest.approx(1e9)
    assert gap == pytest.approx(-0.1)


def test_a_row_that_is_being_written_is_not_read(make: Make) -> None:
    """Torn within its corpus, or within its last number."""
    plain = make("plain", rows_of("plain"))
    text = (plain / "runs.csv").read_text()
    last = text.splitlines()[-1]
    for torn in (last[: last.index("task:1") + 2], last[:-1]):
        (plain / "runs.csv").write_text(text + torn)
        assert len(read_tables([plain])) == 48


def test_a_law_that_cannot_be_is_refused(make: Make) -> None:
    rows = read_tables([make("plain", rows_of("plain")), make("looped", rows_of("looped", loops=2))])
    for law in ("A * flops**", "chinchila", "A * epochs**-a"):
        with pytest.raises(Refused):
            show_ladders(rows, law=law, settings=FEW)


def test_figures_hold_every_run_and_name_recipes_safely(make: Make, tmp_path: Path) -> None:
    folders = [make("one", rows_of("plain")), make("two", rows_of("<b>bold", 1.2))]
    found = show_ladders(read_tables(folders), settings=FEW)
    figures = ladder_figures(found)
    assert set(figures) == {"curves", "front", "against"}
    assert len(figures["curves"].data) == 48
    page = write_ladder_page(found, tmp_path / "page.html", "<i>two").read_text()
    assert "<b>bold" not in page
    assert "&lt;i&gt;two" in page


def test_the_command(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(make("plain", rows_of("plain"))), str(make("looped", rows_of("looped", 1.5, loops=2)))]
    words = ["lab", "show", *folders, "--bootstrap", "50"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--out", str(tmp_path / "page.html"), "--json"])
    assert ended.value.code == 0
    told: dict[str, Any] = json.loads(
        capsys.readouterr().out, parse_constant=lambda n: pytest.fail(f"{n} is not strict")
    )
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/lab_show.json").read_text()))
    assert Path(told["page"]).exists()
    with pytest.raises(SystemExit) as ended:
        main(words)
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "looped, loops 2 has the lower loss" in out
    assert "fronts, loss in nats per byte" in out


def test_figures_for_paper(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="the figures extra is not installed")
    folders = [str(make("plain", rows_of("plain"))), str(make("looped", rows_of("looped", 1.5, loops=2)))]
    with pytest.raises(SystemExit) as ended:
        main(["lab", "show", *folders, "--bootstrap", "50", "--figures", str(tmp_path / "drawn"), "--format", "svg"])
    assert ended.value.code == 0
    assert {p.name for p in (tmp_path / "drawn").iterdir()} == {
        f"{name}.{end}" for name in ("curves", "front", "against") for end in ("svg", "csv")
    }


def test_what_cannot_be_shown_is_refused(make: Make, tmp_path: Path) -> None:
    plain = make("plain", rows_of("plain"))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "runs.csv").write_text("a,b\n1,2\n")
    for folders, says in (
        ([tmp_path / "none"], "there is no runs.csv"),
        ([tmp_path / "foreign"], "none that a ladder wrote"),
        ([plain, plain], "in two of the folders"),
        ([plain, make("other", rows_of("looped", corpus="task:2"))], r"differ in corpus \(task:1, task:2\)"),
        ([make("empty", rows_of("plain")[:1])], "no run has come to its end"),
    ):
        with pytest.raises(Refused, match=says):
            show_ladders(read_tables(folders), settings=FEW)
    with pytest.raises(Refused, match=r"no column 'colour'.*it has run_id, mechanism, .*, folder, settings"):
        show_ladders(read_tables([plain]), "colour")
