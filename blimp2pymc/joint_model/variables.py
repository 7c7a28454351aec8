"""What every name of a script is: a column, a latent variable, a random effect, and of which scale.

`declarations.declare` fills `Declarations` once; their `lookup` then turns any written name, suffixes
included, into the values it refers to, or says which declared name was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from blimp2pymc.blimp import tree
from blimp2pymc.blimp.expressions import FUNCTIONS
from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.data.table import Table
from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model.ir import Column, Form, ImpliedVariance, Kind, Origin, Variable, VariancePart

MOST_NAMES_SHOWN = 8
"""A hint lists all names when none is like the unknown one and there are no more than these."""

VARIANCE_PARTS = {each.value: each for each in VariancePart}


@dataclass(frozen=True)
class Centering:
    """One name of CENTER."""

    column: Column
    mean: str
    """`grandmean` or `groupmean`."""
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class Declarations:
    """Every declared name and what the declaring commands say about it."""

    table: Table
    variables: Mapping[str, Variable]
    """Columns of the data in order, then latent variables and random effects."""
    declared_in: Mapping[str, str]
    """Name -> where it was declared, in words."""
    fixed: Mapping[str, Span | None] = field(default_factory=dict)
    """Variables of FIXED -> where it lists them."""
    centered: Mapping[Column, Centering] = field(default_factory=dict)
    cluster_identifiers: tuple[str, ...] = ()
    """Lowest level first."""
    time_identifier: str | None = None
    weights: tuple[str, ...] = ()
    """Level-1 weight, then level-2 weight."""
    group: str | None = None
    """Variable of BYGROUP."""
    random_effects: tuple[tree.RandomEffectStatement, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Everything found wrong, for the caller to raise together with its own."""

    def lookup(
        self, name: str, span: Span | None = None, level: str | None = None, also: Iterable[str] = ()
    ) -> Column | ImpliedVariance | Finding:
        """What a written name refers to.

        A declared full name wins over a suffix: with a column `m.1`, `m.1` is that column and not the
        dummy of m.

        Parameters
        ----------
        name
            As written: `x`, `x.latent`, `y.lag`, `n.2`.
        span
            Its place, for the finding.
        level
            Identifier in brackets behind it: `x.mean[school]`.
        also
            Further names (labels, defined variables) to propose when nothing fits.

        Returns
        -------
        The column; the implied variance for `v.totalvar` and the like; or a finding that says what is
        wrong and which name is nearest.
        """
        variable = self.variables.get(name)
        if variable is not None:
            return Column(name, level=variable.level)
        base, dot, suffix = name.rpartition(".")
        if dot and base in self.variables:
            return self._with_suffix(self.variables[base], suffix, name, span, level)
        if name in self.table.unreadable:
            return Finding(f"the column '{name}' is not numeric: {self.table.unreadable[name]}", span,
                           self.table.numbers_hint(name), "not-numeric")  # fmt: skip
        strange = "".join(dict.fromkeys(each for each in name if not each.isascii()))
        if strange and not self.nearest(name, also):
            hint = f"Latin letters, if '{strange}' slipped in from elsewhere"
            return Finding(f"'{name}' is not declared", span, hint, "undeclared-name")
        hint = f"{name}(x), if the function is meant" if name.lower() in FUNCTIONS else self.nearest(name, also)
        return Finding(f"'{name}' is not declared", span, hint, "undeclared-name")

    def nearest(self, name: str, also: Iterable[str] = ()) -> str:
        """The declared name most like `name` and where it was declared; all names when they are few."""
        return propose(name, [*self.variables, *also, *self.table.unreadable], self.declared_in)

    def _with_suffix(
        self, variable: Variable, suffix: str, name: str, span: Span | None, level: str | None
    ) -> Column | ImpliedVariance | Finding:
        own = variable.name
        word = suffix.lower()
        lag = re.fullmatch(r"lag([0-9]*)", word)
        if word in VARIANCE_PARTS:
            return ImpliedVariance(own, VARIANCE_PARTS[word])
        if word == "latent":
            if variable.kind is not Kind.ORDINAL:
                return Finding(f"'{name}': '{own}' is not ORDINAL, so it has no latent response", span,
                               f"ORDINAL: {own};", "no-latent-response")  # fmt: skip
            return Column(own, Form.LATENT_RESPONSE, level=variable.level)
        if word == "mean":
            return self._cluster_mean(variable, name, span, level)
        if lag:
            if self.time_identifier is None:
                return Finding(f"'{name}' is the previous occasion, and no TIMEID orders the occasions", span,
                               "TIMEID: name;", "no-timeid")  # fmt: skip
            steps = int(lag[1] or 1)
            if steps < 1:
                return Finding(f"'{name}': a lag counts from 1", span, f"{own}.lag", "bad-lag")
            return Column(own, lag=steps, level=variable.level)
        if word == "missing":
            if variable.origin not in (Origin.DATA, Origin.TRANSFORM):
                return Finding(f"'{name}': '{own}' is no column of the data, so it cannot be missing", span, "",
                               "no-missingness")  # fmt: skip
            return Column(own, Form.MISSINGNESS, level=variable.level)
        if word.isascii() and word.isdigit():
            if variable.kind is Kind.NOMINAL and not self.table.n_rows:
                # Without data every code may be one.
                return Column(own, Form.DUMMY, category=float(word), level=variable.level)
            return _dummy(variable, float(word), name, span)
        suffixes = ["latent", "mean", "lag", "missing", *VARIANCE_PARTS]
        near = nearest(word, suffixes)
        return Finding(f"'{name}' is not declared, and '.{suffix}' is no form of '{own}'", span,
                       f"{own}.{near}" if near else self.nearest(name), "undeclared-name")  # fmt: skip

    def _cluster_mean(self, variable: Variable, name: str, span: Span | None, level: str | None) -> Column | Finding:
        if not self.cluster_identifiers:
            return Finding(f"'{name}' is a cluster mean, and no CLUSTERID names the clusters", span,
                           "CLUSTERID: name;", "no-clusterid")  # fmt: skip
        identifier = level or self.cluster_identifiers[0]
        if identifier not in self.cluster_identifiers:
            return Finding(f"'{identifier}' is no level: CLUSTERID does not list it", span,
                           " or ".join(self.cluster_identifiers), "unknown-level")  # fmt: skip
        return Column(variable.name, Form.CLUSTER_MEAN, level=2 + self.cluster_identifiers.index(identifier))


def _dummy(variable: Variable, code: float, name: str, span: Span | None) -> Column | Finding:
    codes = ", ".join(f"{each:g}" for each in variable.categories)
    if variable.kind is not Kind.NOMINAL:
        return Finding(f"'{name}' would be a dummy code, and '{variable.name}' is not NOMINAL", span,
                       f"NOMINAL: {variable.name};", "no-dummy")  # fmt: skip
    if code not in variable.categories:
        return Finding(f"'{name}': '{variable.name}' has no category {code:g}", span, f"its categories are {codes}",
                       "no-category")  # fmt: skip
    if code == variable.reference:
        return Finding(f"'{name}': category {code:g} is the reference of '{variable.name}'", span,
                       f"NOMINAL: {variable.name}(code) with another reference", "reference-category")  # fmt: skip
    return Column(variable.name, Form.DUMMY, category=code, level=variable.level)


def propose(name: str, names: Iterable[str], declared_in: Mapping[str, str]) -> str:
    """The one of `names` most like `name` and where it was declared; all of them when they are few."""
    names = list(names)
    near = nearest(name, names)
    if not near:
        return ", ".join(names) if len(names) <= MOST_NAMES_SHOWN else ""
    where = [declared_in[near]] if near in declared_in else []
    if near.lower() == name.lower():
        where.append("upper and lower case differ")
    return f"{near} ({'; '.join(where)})" if where else near
