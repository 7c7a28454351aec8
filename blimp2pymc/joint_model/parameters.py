"""The list of parameters while a model is put together: one entry per label, clashes reported."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from blimp2pymc.errors import Finding, Span
from blimp2pymc.joint_model.drafts import Setting
from blimp2pymc.joint_model.ir import FLAT, NO_PRIOR, Parameter, ParameterKind, Prior

FAMILY_OF_KIND = {
    ParameterKind.INTERCEPT: "coefficient",
    ParameterKind.SLOPE: "coefficient",
    ParameterKind.LOADING: "coefficient",
    ParameterKind.MEAN: "coefficient",
    ParameterKind.RESIDUAL_VARIANCE: "variance",
    ParameterKind.CORRELATION: "correlation",
    ParameterKind.THRESHOLD: "threshold",
    ParameterKind.DISPERSION: "dispersion",
    ParameterKind.TRANSFORMATION: "transformation",
}
"""Parameters of one family may share a label."""


@dataclass
class ParameterList:
    """Parameters by name, in print order."""

    findings: list[Finding]
    parameters: dict[str, Parameter] = field(default_factory=dict)

    def add(self, name: str, kind: ParameterKind, prior: Prior, setting: Setting, span: Span | None = None) -> str:
        """Add a parameter, or find the one its label already names; return its name.

        Parameters
        ----------
        name
            Name when it has no label.
        kind, prior
            What it is, and its default prior.
        setting
            What `@` says.
        span
            Where it is introduced.
        """
        chosen = setting.label or name
        earlier = self.parameters.get(chosen)
        if earlier is None:
            fixed = setting.fixed
            self.parameters[chosen] = Parameter(
                chosen, kind, prior if fixed is None else NO_PRIOR, fixed, label=setting.label,
                span=setting.span or span,
            )  # fmt: skip
        elif FAMILY_OF_KIND[earlier.kind] != FAMILY_OF_KIND[kind]:
            self._report_clash(earlier, kind, setting, span)
        elif earlier.prior == FLAT and prior.distribution == "normal":
            # One parameter of equations of different families has the product of their priors.
            self.parameters[chosen] = replace(earlier, prior=prior)
        return chosen

    def _report_clash(self, earlier: Parameter, kind: ParameterKind, setting: Setting, span: Span | None) -> None:
        where = f" (line {earlier.span.line})" if earlier.span else ""
        self.findings.append(Finding(
            f"'{earlier.name}' names a {FAMILY_OF_KIND[earlier.kind]}{where} and a {FAMILY_OF_KIND[kind]}; "
            "one label is one parameter",
            setting.span or span, "two different labels", "label-clash"))  # fmt: skip
