"""Indices of names, rows in patterns, and the tables of a model: made by `assembly`, read by everything behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from blimp2pymc.joint_model.algebra import columns_in
from blimp2pymc.joint_model.ir import Apply, Column, Model, Product
from blimp2pymc.sampler.compilation.references import Reference
from blimp2pymc.sampler.plan.rules import Plan

Monomial = tuple[int, ...]
"""Sorted indices of columns; repeated ones are powers."""


class RowClass(NamedTuple):
    """What rows with moments of their own have in common."""

    inactive: frozenset[int] = frozenset()
    """Groups that are left out."""
    integrated: frozenset[Column] = frozenset()
    """Missing cells that are integrated out while parameters are drawn."""
    values: tuple[float, ...] = ()
    """Values of what multiplies these cells."""


@dataclass(frozen=True)
class Pattern:
    """Rows with the same cells missing, and the same values of what multiplies those that are integrated out."""

    missing: frozenset[Column]
    rows: np.ndarray
    """Row numbers of the model's data."""
    low: int
    """First row in the table of incomplete rows."""
    inactive: frozenset[int]
    """Groups that are left out."""
    integrated: frozenset[Column]
    """Missing cells that are integrated out while parameters are drawn; latent variables are not listed."""
    values: tuple[float, ...]
    """Values of what multiplies these cells."""
    categories: frozenset[str]
    """Variables whose category is missing while other equations look at it."""

    @property
    def row_class(self) -> RowClass:
        """The class these rows belong to."""
        return RowClass(self.inactive, self.integrated, self.values)


@dataclass(eq=False)
class Layout:
    """Indices of names, and the tables."""

    model: Model
    plan: Plan
    parameters: dict[str, int] = field(default_factory=dict)
    columns: dict[Column, int] = field(default_factory=dict)
    """Data columns, latent variables, latent responses, then transformed values of outcomes."""
    shown: tuple[Column, ...] = ()
    """The first of `columns`: those that are recorded."""
    functions: dict[Apply, int] = field(default_factory=dict)
    """Columns that are functions of others."""
    working: dict[Column, int] = field(default_factory=dict)
    """Columns of working responses and of weights, behind those of functions."""
    logarithms: dict[Column, int] = field(default_factory=dict)
    """Outcome with lambda to draw -> column with sign(u) log(1 + |u|), u what is inside its Yeo-Johnson transform."""
    monomials: dict[Monomial, int] = field(default_factory=dict)
    n_moments: int = 0
    """Monomials with moments come first."""
    patterns: tuple[Pattern, ...] = ()
    """Incomplete patterns, in the order of the rows."""
    complete_rows: np.ndarray = field(default_factory=lambda: np.arange(0))
    tables: Reference = None  # type: ignore[assignment]
    """The `Tables`, as compiled code takes them."""

    @property
    def incomplete_rows(self) -> np.ndarray:
        """Row numbers of the model's data, in the order of the table of incomplete rows."""
        return np.concatenate([np.arange(0), *(each.rows for each in self.patterns)])

    def monomial(self, product: Product) -> Monomial:
        """Columns of a product, as a key of `monomials`."""
        columns = [self.working[each] if each in self.working else self.columns[each] for each in product.columns]
        return tuple(sorted(columns + [self.functions[each] for each in product.functions]))

    def columns_of_functions(self, column: Column) -> list[int]:
        """Columns that are functions of a column."""
        return [index for each, index in self.functions.items() if column in columns_in(each)]
