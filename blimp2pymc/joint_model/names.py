"""Names as MODEL uses them: a thin view of the declarations that answers `what kind of variable is this`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from blimp2pymc.blimp import tree
from blimp2pymc.errors import BlimpError, Finding, Span, error
from blimp2pymc.joint_model.ir import Column, Form, Kind, Origin, Variable
from blimp2pymc.joint_model.variables import Declarations


@dataclass(frozen=True, eq=False)
class Names:
    """Lookup of variables by the names of a script."""

    declarations: Declarations

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Every declared variable."""
        return self.declarations.variables

    def find(self, name: str) -> Column | None:
        """The column a name refers to; None when it is no variable."""
        if name not in self.variables and name.rpartition(".")[0] not in self.variables:
            return None  # at once, without a search for similar names
        found = self.declarations.lookup(name)
        return found if isinstance(found, Column) else None

    def unknown(self, name: str, span: Span | None, also: Iterable[str] = ()) -> BlimpError:
        """The error for a name that is neither a variable nor one of `also`."""
        found = self.declarations.lookup(name, span, also=also)
        if isinstance(found, Finding):
            return BlimpError(found)
        return BlimpError(Finding(f"'{name}' belongs into PARAMETERS, not here", span, f"PARAMETERS: v = {name};",
                                  "misplaced-name"))  # fmt: skip

    def at_level(self, node: tree.AtLevel) -> Column:
        """The cluster mean `x.mean[school]`.

        Raises
        ------
        BlimpError
            When nothing of that name has levels, or the level is none.
        """
        inner = node.expression
        column = self.find(inner.name) if isinstance(inner, tree.Name) else None
        if isinstance(inner, tree.Name) and inner.name.lower().endswith(".mean"):
            found = self.declarations.lookup(inner.name, node.span, node.level)
            if isinstance(found, Finding):
                raise BlimpError(found)
            column = found if isinstance(found, Column) else None
        if column is not None and column.form is Form.CLUSTER_MEAN:
            return column
        own = inner.name if isinstance(inner, tree.Name) else "x"
        is_level = node.level in self.declarations.cluster_identifiers
        raise error(f"'[{node.level}]' is no index of a loop here, and levels stand behind '.mean' and random effects",
                    node.span, f"{own}.mean[{node.level}]" if is_level else f"{{ {node.level} in 1:6 }} : before it",
                    "stray-level")  # fmt: skip

    def kind(self, column: Column) -> Kind:
        """Measurement scale of the column's variable."""
        return self.variables[column.variable].kind

    def is_latent(self, column: Column) -> bool:
        """Whether the column is a latent variable or a random effect."""
        return self.variables[column.variable].origin in (Origin.LATENT, Origin.RANDOM_EFFECT)

    def dummies(self, column: Column) -> tuple[str, ...]:
        """Names of the dummy codes of a NOMINAL variable; empty for others, and for a dummy itself."""
        variable = self.variables[column.variable]
        if variable.kind is not Kind.NOMINAL or column.form is not Form.SCORE:
            return ()
        return tuple(f"{variable.name}.{code:g}" for code in variable.categories if code != variable.reference)
