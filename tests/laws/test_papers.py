"""The published systems that the catalogue answers, by title and arXiv number."""

from __future__ import annotations

import json

import pytest

from allometry.cli.main import main
from allometry.laws import list_laws

SYSTEMS = [
    ("Parcae: Scaling Laws For Stable Looped Language Models", "2604.12946"),
    ("Parallel Scaling Law for Language Models", "2505.10475"),
    ("Unlock Predictable Scaling from Emergent Abilities", "2310.03262"),
    ("Scaling over Scaling: Exploring Test-Time Scaling Pareto in Large Reasoning Models", "2505.20522"),
    ("Explaining Neural Scaling Laws", "2102.06701"),
    ("The Art of Scaling Reinforcement Learning Compute for LLMs", "2510.13786"),
    ("A Hitchhiker's Guide to Scaling Law Estimation", "2410.11840"),
    ("Scaling Laws for Data Filtering -- Data Curation cannot be Compute Agnostic", "2404.07177"),
    ("Deep Learning Scaling is Predictable, Empirically", "1712.00409"),
    ("Scaling Laws for Code: Every Programming Language Matters", "2512.13472"),
    (
        "Scaling Behaviors of LLM Reinforcement Learning Post-Training: An Empirical Study in Mathematical Reasoning",
        "2509.25300",
    ),
    ("Unraveling the Mystery of Scaling Laws: Part I", "2403.06563"),
    ("Scaling Laws for Uncertainty in Deep Learning", "2506.09648"),
    ("Towards a Science of Scaling Agent Systems", "2512.08296"),
    (
        "Predictable Scale: Part I -- Optimal Hyperparameter Scaling Law in Large Language Model Pretraining",
        "2503.04715",
    ),
    ("Scaling Laws for Robust Comparison of Open Foundation Language-Vision Models and Datasets", "2506.04598"),
    ("Scaling Retrieval-Based Language Models with a Trillion-Token Datastore", "2407.12854"),
    ("Physics of Language Models: Part 3.3, Knowledge Capacity Scaling Laws", "2404.05405"),
    ("Language models scale reliably with over-training and on downstream tasks", "2403.08540"),
    ("Parallel Scaling Law: Unveiling Reasoning Generalization through A Cross-Linguistic Perspective", "2510.02272"),
    ("Scaling Laws for Speculative Decoding", "2505.07858"),
    ("Exploring Scaling Laws of CTR Model for Online Performance Improvement", "2508.15326"),
    ("Unveiling Downstream Performance Scaling of LLMs: A Clustering-Based Perspective", "2502.17262"),
    ("WorldPM: Scaling Human Preference Modeling", "2505.10527"),
    ("Farseer: A Refined Scaling Law in Large Language Models", "2506.10972"),
    ("Inference Scaling for Long-Context Retrieval Augmented Generation", "2410.04343"),
    (
        "The Journey Matters: Average Parameter Count over Pre-training Unifies Sparse and Dense Scaling Laws",
        "2501.12486",
    ),
    ("On the Scalability of Diffusion-based Text-to-Image Generation", "2404.02883"),
    ("Data Scaling Laws in Imitation Learning for Robotic Manipulation", "2410.18647"),
    ("Towards Greater Leverage: Scaling Laws for Efficient Mixture-of-Experts Language Models", "2507.17702"),
    ("Scaling Laws for Neural Machine Translation", "2109.07740"),
    ("Scaling Laws of Motion Forecasting and Planning -- Technical Report", "2506.08228"),
    (
        "How do Scaling Laws Apply to Knowledge Graph Engineering Tasks? The Impact of Model Size on Large Language Model Performance",
        "",
    ),
]


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """Every paper that `laws --json` names, and the law that answers it."""
    return {paper: law.name for law in list_laws() for paper in law.papers}


@pytest.mark.parametrize(("title", "number"), SYSTEMS)
def test_every_system_is_answered_by_name(told: dict[str, str], title: str, number: str) -> None:
    found = [paper for paper in told if title in paper]
    assert found
    assert all(number in paper for paper in found)


def test_the_command_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["laws", "--json"])
    assert ended.value.code == 0
    laws = json.loads(capsys.readouterr().out)["laws"]
    assert len(laws) >= 45
    papers = {paper for law in laws for paper in law["papers"]}
    assert all(any(title in paper for paper in papers) for title, _ in SYSTEMS)
    assert all(law["source"] and law["status"] in ("seen", "recalled", "proposed") for law in laws)


def test_no_constant_is_without_a_source_and_no_proposal_has_one() -> None:
    for law in list_laws():
        for constants in law.published.values():
            assert constants.source
            assert constants.where
            assert constants.status in ("seen", "recalled")
        if law.provisional:
            assert not law.published
