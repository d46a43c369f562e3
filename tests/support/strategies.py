"""Random worlds, drawn from a `random.Random`: a seed names one for ever."""

from __future__ import annotations

from random import Random

from tests.support.oracle_world import World
from tests.support.strategies_metrics import MetricMaker
from tests.support.strategies_models import make_models


def make_world(rng: Random) -> World:
    """Models with keys, rows, dimensions and measures, and some metrics over them."""
    world = World({model.name: model for model in make_models(rng)}, {})
    MetricMaker(rng, world).add_metrics()
    return world
