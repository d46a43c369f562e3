"""Random worlds, drawn from a `random.Random`: a seed names one for ever, and hypothesis can draw
them with its own source of choices."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from tests.support.oracle_world import World
from tests.support.strategies_metrics import MetricMaker
from tests.support.strategies_models import make_models


def worlds() -> st.SearchStrategy[World]:
    """Hypothesis's way to the same worlds."""
    return st.randoms(use_true_random=False).map(make_world)


def make_world(rng: Random) -> World:
    """Models with keys, rows, dimensions and measures, and some metrics over them."""
    world = World({model.name: model for model in make_models(rng)}, {})
    MetricMaker(rng, world).add_metrics()
    return world
