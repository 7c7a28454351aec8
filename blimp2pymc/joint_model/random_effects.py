"""Random effects that nothing in the script carries: no clusters, or no variable of that name."""

from __future__ import annotations

from collections.abc import Iterator

from blimp2pymc.blimp import tree
from blimp2pymc.errors import Finding
from blimp2pymc.joint_model.terms import TermReader


def check_random_effects(statements: tuple[tree.ModelStatement, ...], terms: TermReader) -> None:
    """Add what is wrong with random effects behind `|`, and with RANDOMEFFECT, to the findings of `terms`."""
    declarations = terms.names.declarations
    for statement in statements:
        if not isinstance(statement, tree.Relation) or statement.random is None:
            continue
        if not declarations.cluster_identifiers and _some_effect(statement.random):
            terms.findings.append(Finding("random effects need clusters, and no CLUSTERID names them",
                                          statement.random[0].span, "CLUSTERID: name;", "no-clusterid"))  # fmt: skip
    for effect in declarations.random_effects:
        outcome = tree.Name(effect.outcome, effect.outcome_span or effect.span)
        for node in (outcome, *tree.walk(effect.term)):
            terms.findings.extend(_check(node, terms))


def _some_effect(terms: tuple[tree.Term, ...]) -> bool:
    """Whether anything but `| 0` is asked for."""
    zero = tree.Number(0.0)
    return not all(each.expression == zero or each.settings == (zero,) for each in terms)


def _check(node: object, terms: TermReader) -> Iterator[Finding]:
    if isinstance(node, tree.Name) and terms.names.find(node.name) is None and node.name not in terms.definitions:
        yield from terms.unknown(node.name, node.span).findings
