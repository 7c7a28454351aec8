"""Arrows of path diagrams that must not be taken for others."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from joint_model.simulated import resolved

from blimp2pymc.summary.path_graph import path_graph
from blimp2pymc.summary.path_layout import place
from blimp2pymc.summary.path_routes import routes


def test_heads_of_curves_and_tails_of_residuals_keep_apart() -> None:
    """Where a curve ends at a loading, or two residuals begin at one point, a single arrow with two heads is seen."""
    model = resolved("LATENT: f g; MODEL: f -> x1:x3; g -> m1 m2 m.1; f ~~ g; y ~ f g")
    graph = path_graph(model)
    drawn = routes(graph, place(graph, lambda name: ""), lambda name: "")
    (curve,) = [each.curve for each in drawn if each.kind == "covariance"]
    starts = np.array([each.curve.start for each in drawn if each.kind == "path"])
    assert min(np.hypot(*(starts - end).T).min() for end in (curve.start, curve.end)) > 3
    second = resolved("LATENT: f g h; MODEL: h -> f g; f -> x1:x3; g -> m1 m2 m.1; y ~ h")
    graph = path_graph(second)
    drawn = routes(graph, place(graph, lambda name: ""), lambda name: "")
    tails = [each.curve.start for each in drawn if each.kind == "residual"]
    assert min(np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in combinations(tails, 2)) > 11
