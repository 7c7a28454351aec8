"""Names as MODEL uses them: a thin view of the declarations that answers `what kind of variable is this`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from blimp2pymc.errors import BlimpError, Finding, Span
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
        found = self.declarations.lookup(name)
        return found if isinstance(found, Column) else None

    def unknown(self, name: str, span: Span | None, also: Iterable[str] = ()) -> BlimpError:
        """The error for a name that is neither a variable nor one of `also`."""
        found = self.declarations.lookup(name, span, also=also)
        if isinstance(found, Finding):
            return BlimpError(found)
        return BlimpError(Finding(f"'{name}' belongs into PARAMETERS, not here", span, code="misplaced-name"))

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
