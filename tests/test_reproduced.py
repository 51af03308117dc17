"""The page "What reproduced" is made of what was claimed and of what was measured; no verdict is typed."""

import ast
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import reproduced  # noqa: E402

CLAIMS = reproduced.protocol()["claim"]
FIELDS = "id kind chapter section source says expected measured data seeds values reproduced partly"
claims = pytest.mark.parametrize("claim", CLAIMS, ids=[claim["id"] for claim in CLAIMS])


def sections():
    """Give the sections that `make experiments` knows, and those that are still to come."""
    tree = ast.parse((ROOT / "benchmarks" / "experiments.py").read_text("utf-8"))
    found = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            name = ast.unparse(statement.targets[0])
            if name in ("SECTIONS", "TO_COME"):
                found[name] = ast.literal_eval(statement.value)
    return found["SECTIONS"], found["TO_COME"]


def test_the_protocol_has_the_claims_and_questions_that_it_must():
    kinds = [claim["kind"] for claim in CLAIMS]
    assert kinds.count("claim") >= 12 and kinds.count("question") >= 5
    assert set(kinds) == {*reproduced.VERDICTS}
    assert len({claim["id"] for claim in CLAIMS}) == len(CLAIMS)


@claims
def test_a_claim_says_all_that_it_must(claim):
    assert set(claim) == {*FIELDS.split()}
    assert claim["seeds"] >= 5 and reproduced.sources(claim)
    for condition in (claim["reproduced"], claim["partly"]):
        names = {n.id for n in ast.walk(ast.parse(condition, mode="eval")) if type(n) is ast.Name}
        assert names - {*reproduced.FUNCTIONS} <= {*claim["values"]}
        assert names & {*claim["values"]}, "a condition that asks for nothing measured"


@claims
def test_a_claim_names_a_section_that_is_known(claim):
    known, to_come = sections()
    assert claim["section"] in {*known, *to_come}
    if claim["section"] in known:
        assert (ROOT / "benchmarks" / f"{claim['section']}.py").is_file()


def test_a_section_is_not_both_there_and_to_come():
    known, to_come = sections()
    assert not {*known} & {*to_come}


CLAIM = {
    "id": "more",
    "kind": "claim",
    "seeds": 5,
    "values": {"more": "models/more", "less": "models/less"},
    "reproduced": "low(more - less) > 2",
    "partly": "low(more - less) > 0",
}


def measured(more, less=(1.0, 2.0, 3.0, 4.0, 5.0)):
    return {"models": {"more": {"each": [*more]}, "less": {"each": [*less]}}}


LESS = np.arange(1.0, 6)


@pytest.mark.parametrize(
    ("more", "verdict", "words"),
    [
        (LESS + (2.9, 3.0, 3.1, 3.0, 3.0), "reproduced", "reproduced"),
        (LESS + (1.0, 1.1, 0.9, 1.0, 1.0), "partly", "partly reproduced"),
        (LESS + (4.0, -3.0, 2.0, -1.0, 3.0), "not", "not reproduced"),  # seeds disagree
        (LESS - 1, "not", "not reproduced"),
        (LESS + (6.0, 1.0, 6.0, 1.0, 6.0), "partly", "partly reproduced"),  # 4, give or take 3.4
    ],
)  # fmt: skip
def test_a_condition_gives_the_verdict(more, verdict, words):
    found = reproduced.judge(CLAIM, reproduced.values(CLAIM, measured(more)))
    assert found == verdict and reproduced.said(CLAIM, found) == words


def test_a_claim_of_which_a_part_is_missing_was_not_run():
    for found in ({}, {"models": {}}, {"models": {"more": {"each": [1.0] * 5}}}):
        assert reproduced.values(CLAIM, found) is None
        assert reproduced.judge(CLAIM, reproduced.values(CLAIM, found)) == reproduced.NOT_RUN
    assert reproduced.said(CLAIM, reproduced.NOT_RUN) == "not run yet"


def test_too_few_seeds_and_no_number_are_errors():
    with pytest.raises(ValueError, match="more: 4 seeds are stored of models/more, 5 expected"):
        reproduced.values(CLAIM, measured([1.0] * 4))
    with pytest.raises(ValueError, match="models/more holds NaN"):
        reproduced.values(CLAIM, measured([1.0, 2.0, 3.0, 4.0, float("nan")]))


def test_an_interval_holds_the_mean_of_many_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(size=(4000, 5))
    low, high = (
        np.array([reproduced.FUNCTIONS[name](row) for row in draws]) for name in ("low", "high")
    )
    assert 0.94 < np.mean((low < 0) & (high > 0)) < 0.96


def test_a_condition_can_do_nothing_but_compare():
    with pytest.raises(NameError):
        reproduced.holds("open('x')", {})


def test_the_page_is_what_the_claims_and_the_results_make():
    assert (ROOT / "book" / "reproduced.md").read_text("utf-8") == reproduced.page()


@claims
def test_what_was_run_is_shown_by_a_cell_where_its_chapter_is_there(claim):
    taken = reproduced.values(claim, reproduced.results(claim["section"])["results"])
    if taken is not None and [*(ROOT / "book").glob(f"{claim['chapter']:02d}_*.ipynb")]:
        assert reproduced.shown(claim["chapter"], claim["id"])


def test_a_cell_shows_claims_that_there_are():
    known = {claim["id"]: claim["chapter"] for claim in CLAIMS}
    for path in (ROOT / "book").glob("[0-9]*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for claim in cell.metadata.get("claims", []):
                assert known[claim] == int(path.name[:2])


@pytest.mark.parametrize("section", sections()[0])
def test_what_is_stored_says_where_it_comes_from(section):
    stored = reproduced.results(section)
    assert {*stored["parts"]} == {*stored["results"]}
    for part in stored["parts"].values():
        assert part["first_seed"] == reproduced.protocol()["protocol"]["first_seed"]
        assert part["commit"] and part["date"]
