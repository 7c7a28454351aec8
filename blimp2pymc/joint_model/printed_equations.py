"""The list of models as Blimp prints it, for every script: also for one that cannot be sampled yet, or has no data.

Blocks stand in the script's order. Inside a block come latent variables, then the others by name, then covariances; in
an equation the intercept, single variables, then products and functions; behind `|` what differs between clusters.
Values are printed behind `@`, labels are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from os import PathLike

import numpy as np
import pandas as pd

from blimp2pymc.blimp import tree
from blimp2pymc.data.read import column_names, read_table
from blimp2pymc.data.table import Table
from blimp2pymc.errors import BlimpError, Finding, Source, raise_all
from blimp2pymc.joint_model import ir
from blimp2pymc.joint_model.covariances import DraftBlock, draft_blocks, print_order
from blimp2pymc.joint_model.declarations import declare
from blimp2pymc.joint_model.drafts import INTERCEPT, DraftEquation, Drafts, RandomTerm
from blimp2pymc.joint_model.equations import draft_equations, parameter_names
from blimp2pymc.joint_model.missingness import with_missingness
from blimp2pymc.joint_model.names import Names
from blimp2pymc.joint_model.read_script import read_script
from blimp2pymc.joint_model.refusals import is_refusal
from blimp2pymc.joint_model.term_names import number_name
from blimp2pymc.joint_model.transform import transform_table

type Data = pd.DataFrame | Mapping[str, object] | str | PathLike[str] | None


def printed_equations(
    source: str | PathLike[str] | Source | tree.Script, data: Data = None
) -> tuple[ir.PrintedEquation, ...]:
    """List the models of a script as Blimp prints them; nothing needs to be supported by the sampler.

    Parameters
    ----------
    source
        As for `resolve`.
    data
        As for `resolve`. Without data that can be read, the codes of NOMINAL predictors and the levels of variables are
        not known: `n` then stands for its dummies, and random intercepts are listed only where `|` states them.

    Raises
    ------
    BlimpError
        With every mistake in MODEL and in the commands that declare its variables.
    """
    drafted = draft_script(source, data)
    return list_equations(drafted.drafts, drafted.blocks, drafted.names, drafted.options)


@dataclass(frozen=True, eq=False)
class DraftedScript:
    """What a script says, before anything is asked about whether it can be sampled."""

    drafts: Drafts
    blocks: tuple[DraftBlock, ...]
    names: Names
    options: frozenset[str]

    def variable_rows(self) -> list[tuple[str, ...]]:
        """Table of the variables of MODEL, header first: kind, level, categories, missing cells."""
        rows: list[tuple[str, ...]] = [("variable", "kind", "level", "categories", "missing")]
        used = {column.variable for column in (*self.drafts.equations, *self.drafts.columns_on_the_right)}
        table = self.names.declarations.table
        for name, variable in self.names.variables.items():
            if name not in used:
                continue
            level, missing = str(variable.level), "all"
            if name in table.values:
                # Without data neither is known.
                level = str(data_level(name, self.names)) if table.n_rows else ""
                missing = str(variable.n_missing) if table.n_rows else ""
            codes = ", ".join(number_name(code) for code in variable.categories)
            rows.append((name, variable.kind.value, level, codes, missing))
        return rows


def draft_script(source: str | PathLike[str] | Source | tree.Script, data: Data = None) -> DraftedScript:
    """Read a script as far as its MODEL says something; as for `printed_equations`."""
    script = read_script(source)
    findings: list[Finding] = []
    try:
        table = transform_table(script, read_table(script, data))
    except BlimpError:
        columns = column_names(script, data) or simulated_names(script)
        if not columns:
            raise
        table = _table_without_values(script, columns)
    script, table = with_missingness(script, table, [])
    names = Names(declare(script, table))
    findings.extend(names.declarations.findings)
    drafts = draft_equations(script.statements("MODEL"), names, parameter_names(script), findings)
    blocks = draft_blocks(drafts, findings)
    raise_all([each for each in findings if each.severity == "error" and not is_refusal(each)])
    options = (option for command in script.all("OPTIONS") for option in command.body)  # type: ignore[attr-defined]
    return DraftedScript(drafts, tuple(blocks), names, frozenset(options))


def list_equations(
    drafts: Drafts, blocks: Iterable[DraftBlock], names: Names, options: Iterable[str] = ()
) -> tuple[ir.PrintedEquation, ...]:
    """The lines of everything that MODEL says.

    Parameters
    ----------
    drafts, blocks
        What MODEL says.
    names
        The declared variables.
    options
        Keywords of OPTIONS: with `use_phantom` every correlation is a line of its own.
    """
    stated = [draft for draft in drafts.equations.values() if not _is_random_effect(draft, names)]
    variances = [draft.log_variance for draft in stated if draft.log_variance is not None]
    items: list[DraftEquation | DraftBlock] = [*stated, *variances, *blocks]
    printed = []
    for each in sorted(items, key=print_order):
        if isinstance(each, DraftBlock):
            lines: Iterable[str] = _covariance_lines(each, "use_phantom" in options)
        else:
            lines = (equation_line(each, names),)
        printed += [ir.PrintedEquation(each.block, line) for line in lines]
    return tuple(printed)


def lines_of_text(equations: Iterable[ir.PrintedEquation]) -> Iterator[str]:
    """The list as text: numbered lines, under the labels of their blocks."""
    label = ""
    for number, each in enumerate(equations, 1):
        if each.block != label:
            yield f"{each.block or 'unlabelled'} block"
            label = each.block
        yield f"[{number}]  {each.text}"


def equation_line(draft: DraftEquation, names: Names) -> str:
    """One equation: `y ~ Intercept x b_j@1 x*b_j@1 | Intercept z`."""
    written = []
    for term in sorted(draft.terms.values(), key=lambda term: term.is_product):
        written.append(term.name if term.setting.fixed is None else f"{term.name}@{number_name(term.setting.fixed)}")
    is_replaced = any(term.replaces_intercept for term in draft.terms.values())
    value = (draft.intercept.fixed if draft.has_intercept else 0.0) if not is_replaced else None
    if draft.has_intercept and value is None:
        written.insert(0, INTERCEPT)
    elif value is not None and (value or not draft.is_latent or not written):
        written.insert(0, f"{INTERCEPT}@{number_name(value)}")
    random = [term.name for term in _random_terms(draft, names)]
    return " ".join([draft.name, "~", *written, *(["|", *random] if random else [])])


def _random_terms(draft: DraftEquation, names: Names) -> tuple[RandomTerm, ...]:
    """Stated random effects; where nothing is said, variables below the highest level have a random intercept."""
    if draft.random is not None:
        return draft.random
    levels = 1 + len(names.declarations.cluster_identifiers)
    is_replaced = any(term.replaces_intercept for term in draft.terms.values())
    if draft.is_latent or draft.is_variance or is_replaced or not names.declarations.table.n_rows:
        return ()
    if data_level(draft.outcome.variable, names) >= levels:
        return ()
    return (RandomTerm(INTERCEPT, ir.Constant(1.0), draft.intercept),)


def data_level(name: str, names: Names) -> int:
    """Level of a variable: the highest at which its column is constant within clusters; 1 of a dropout indicator."""
    table, identifiers = names.declarations.table, names.declarations.cluster_identifiers
    if name not in table.values:
        return 1
    for place in range(len(identifiers), 0, -1):
        clusters = pd.Series(table.values[identifiers[place - 1]])
        if (pd.Series(table.values[name]).groupby(clusters).nunique() <= 1).all():
            return place + 1
    return 1


def _is_random_effect(draft: DraftEquation, names: Names) -> bool:
    """Whether the outcome is a name of RANDOMEFFECT, whose model is that of the outcome it belongs to."""
    return names.variables[draft.outcome.variable].origin is ir.Origin.RANDOM_EFFECT


def _covariance_lines(block: DraftBlock, is_phantom: bool) -> list[str]:
    """`a b c <-> a b c` where all pairs are stated, else a line for each stated pair."""
    members = [member.variable for member in block.members]
    pairs = sorted(block.pairs)
    if not is_phantom and pairs == list(combinations(range(len(members)), 2)):
        return [f"{' '.join(members)} <-> {' '.join(members)}"]
    return [f"{members[first]} <-> {members[second]}" for first, second in pairs]


# ---------------------------------------------------------------- without data


def simulated_names(script: tree.Script) -> tuple[str, ...]:
    """Names that SIMULATE gives values to, those of its levels included."""
    names: dict[str, None] = {}
    for statement in script.statements("SIMULATE"):
        for node in tree.walk(statement.left):
            if isinstance(node, tree.Name):
                names[node.name] = None
            elif isinstance(node, tree.Call):
                names[node.function] = None
    return tuple(names)


def _table_without_values(script: tree.Script, columns: tuple[str, ...]) -> Table:
    """A table of the right columns and no rows."""
    made = (statement.name for statement in script.statements("TRANSFORM"))
    names = tuple(dict.fromkeys((*columns, *made)))
    empty = np.empty(0)
    return Table("the data", names, dict.fromkeys(names, empty), np.arange(0))
