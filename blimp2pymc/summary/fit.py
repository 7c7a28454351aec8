"""`fit`: from a script or a model to results, and `Fit`, which holds them.

Last stage before the command line. What is printed needs neither PyMC nor ArviZ; both are imported when the
DataTree, the PyMC source or a file of draws is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from blimp2pymc.blimp.nearest import nearest
from blimp2pymc.blimp.tree import Script
from blimp2pymc.errors import Finding, error
from blimp2pymc.joint_model.ir import Model, Origin
from blimp2pymc.joint_model.resolve import Data
from blimp2pymc.sampler.draws import Draws
from blimp2pymc.sampler.plan.rules import Plan, plan
from blimp2pymc.summary.burn_in import BurnIn, burn_in
from blimp2pymc.summary.comparison import comparison, read_estimates
from blimp2pymc.summary.convergence import convergence_warnings
from blimp2pymc.summary.html import html
from blimp2pymc.summary.imputations import data_sets
from blimp2pymc.summary.pooling import Pooled, pool
from blimp2pymc.summary.printed_names import outcome_heading
from blimp2pymc.summary.report import report
from blimp2pymc.summary.report_tables import HEADINGS, VALUES
from blimp2pymc.summary.rows import Row
from blimp2pymc.summary.sampling_settings import model_of, with_settings
from blimp2pymc.summary.saved_files import check_results_folder, saved_files, source_files, write_files
from blimp2pymc.summary.tables import rows, summarise

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from blimp2pymc.summary.path_diagram import PathDiagram


def fit(
    source: str | Path | Script | Model,
    data: Data = None,
    *,
    draws: int | None = None,
    tune: int | None = None,
    chains: int | None = None,
    random_seed: int | None = None,
    cores: int | None = None,
    n_imputations: int | None = None,
    priors: str = "blimp",
    align: bool = True,
    progressbar: bool = True,
    verify: bool = False,
) -> Fit:
    """Sample the model of a script and collect its results.

    Parameters
    ----------
    source
        A script (text, path or parsed) or a resolved model.
    data
        A DataFrame, a mapping of columns, or a file, in place of the file DATA names.
    draws, tune, chains, random_seed
        Kept draws per chain, burn-in iterations per chain, number of chains, and seed; what the script says
        (ITERATIONS is its total over chains) when None.
    cores
        Chains that run at the same time; results do not depend on it.
    n_imputations
        Completed data sets to keep, over all chains; NIMPS of the script, or 20, when None.
    priors
        `blimp` or `proper`; a resolved model has its priors already.
    align
        Whether latent variables that nothing in the script orients are reflected in every draw so that a
        loading is positive.
    progressbar
        Whether to show progress on stderr, and before a large run the memory it needs.
    verify
        Whether to compare every conditional with the log density of the PyMC model first (imports PyMC).

    Raises
    ------
    BlimpError
        For every mistake in script and data, an impossible setting, or a conditional that fails to agree.
    """
    from blimp2pymc.sampler.chain.chain import sample
    from blimp2pymc.sampler.chain.progress import progress_bar

    model = with_settings(model_of(source, data, priors), draws, tune, chains, random_seed, n_imputations, cores)
    if verify:
        from blimp2pymc.sampler.verification.check import verify as check

        found = check(model)
        if not found.passed:
            raise error(f"the sampler's conditionals disagree with the PyMC model:\n{found}")
    chosen = plan(model, aligned=align)
    with progress_bar(progressbar) as progress:
        drawn = sample(model, chosen, cores=cores, progress=progress, note=_say if progressbar else None)
    return Fit(model, chosen, drawn)


def _path(name: str | Path) -> Path:
    try:
        return Path(name)
    except TypeError:
        raise error(f"{name!r} is no path", hint="a text, or a pathlib.Path") from None


def _say(text: str) -> None:
    print(text, file=sys.stderr)


class Fit:
    """Results of sampling a model.

    Attributes
    ----------
    model, plan, draws
        The resolved model, the updates of the sampler, and its draws.
    """

    def __init__(self, model: Model, plan: Plan, draws: Draws) -> None:
        self.model = model
        self.plan = plan
        self.draws = draws

    # ------------------------------------------------------------ tables

    @cached_property
    def _lines(self) -> list[Row]:
        return rows(self.model, self.draws)

    @cached_property
    def _burn_in(self) -> BurnIn:
        return burn_in(self.model, self.draws)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """Every printed line as a row of numbers; columns as in `tables.estimates`."""
        return summarise(self._lines)

    def summary(self, outcome: str | None = None) -> pd.DataFrame:
        """Estimates in the columns Blimp prints.

        Parameters
        ----------
        outcome
            Only the tables of this variable, `y` or as it is printed (`logit(y)`); everything but model fit when None.

        Returns
        -------
        DataFrame
            Columns Estimate (median), StdDev, 2.5%, 97.5%, ChiSq, PValue, N_Eff, indexed by outcome,
            section and parameter.

        Raises
        ------
        BlimpError
            When there is no table of that name.
        """
        table = self.estimates[self.estimates["block"] != "fit"]
        if outcome is not None:
            known = list(dict.fromkeys(table["outcome"][table["outcome"] != ""]))
            headings = {outcome_heading(self.model, each) for each in self.model.equations if each.name == outcome}
            if not headings & set(known) and outcome not in known:
                raise error(f"there is no table of '{outcome}'", hint=nearest(outcome, known) or ", ".join(known))
            table = table[table["outcome"].isin({outcome, *headings})]
        renamed = table.rename(columns=dict(zip(VALUES, HEADINGS, strict=True)))
        return renamed.set_index(["outcome", "section", "parameter"])[list(HEADINGS)]

    @cached_property
    def text(self) -> str:
        """The printed results."""
        return report(self.model, self.plan, self.draws, self.estimates, lines=self._lines, history=self._burn_in)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Decisions made for the user, warnings about the script, and warnings about convergence."""
        found = convergence_warnings(self.estimates, self.draws.n_chains)
        return (*self.model.notes, *(Finding(each, code="convergence", severity="warning") for each in found))

    def category_probabilities(self, outcome: str, predictor: str | None = None) -> pd.DataFrame:
        """Predicted probability of every category of an outcome, at chosen values of its predictors.

        Parameters
        ----------
        outcome
            An ordinal or nominal outcome.
        predictor
            One of its predictors, at its codes or at its mean and one standard deviation around it, the others at
            their means, nominal ones at their reference; all, one after the other, when None.

        Returns
        -------
        DataFrame
            Columns median, sd, 2.5%, 97.5%, indexed by predictor, value and category.
        """
        from blimp2pymc.summary.category_probabilities import category_table

        return category_table(self.model, self.draws, outcome, predictor)

    def compare(self, other: Fit | pd.DataFrame | str | Path) -> pd.DataFrame:
        """Set these estimates beside others: another fit, a table of estimates, or its file.

        Returns
        -------
        DataFrame
            One row per line of either; `z` is the difference of the medians in posterior standard
            deviations of the other, `error` its Monte Carlo standard error where both have `n_eff`.
        """
        if isinstance(other, Fit):
            table = other.estimates
        else:
            table = other if isinstance(other, pd.DataFrame) else read_estimates(_path(other))
        return comparison(self.estimates, table)

    # ------------------------------------------------------------ draws and data

    @cached_property
    def idata(self) -> xr.DataTree:
        """The draws as an ArviZ DataTree under the names of the PyMC source; see `inference_data`."""
        from blimp2pymc.summary.inference_data import inference_data

        return inference_data(self.model, self.draws)

    def log_likelihood(self) -> xr.DataTree:
        """The kept snapshots with the group `log_likelihood`: observed cells given the missing and latent ones.

        Raises
        ------
        BlimpError
            When the model has missing cells or latent variables and fewer than 100 snapshots of them were kept.
        """
        from blimp2pymc.summary.log_likelihood import with_log_likelihood

        return with_log_likelihood(self.model, self.draws, self.idata)

    @cached_property
    def source(self) -> str:
        """The model as PyMC source."""
        from blimp2pymc.pymc_source.emit import translate

        return translate(self.model)

    def imputations(self, n: int | None = None) -> list[pd.DataFrame]:
        """Completed data sets: all data columns in file order, then scores of the latent variables.

        Parameters
        ----------
        n
            How many, equally spaced over the run; all that were kept when None.

        Raises
        ------
        BlimpError
            When the run kept fewer.
        """
        return data_sets(self.model, self.draws, n)

    def pool(
        self,
        analysis: str | Callable[[pd.DataFrame], Any],
        kind: str = "ols",
        *,
        n: int | None = None,
        degrees_of_freedom: float | None = None,
    ) -> Pooled:
        """Analyse completed data sets, scores of latent variables included, and pool the results.

        Parameters
        ----------
        analysis
            A formula such as `y ~ eta_x*eta_m`, or a function of a data set that returns
            (estimates, covariance matrix).
        kind
            How a formula is fitted: `ols` or `logit`.
        n
            How many of the kept data sets to analyse; all of them when None.
        degrees_of_freedom
            Of the analysis of complete data, where a function does not say it; see `pooling.pool`.

        Raises
        ------
        BlimpError
            When the run kept fewer data sets, or the analysis fails in one of them.
        """
        return pool(self.imputations(n), analysis, kind, degrees_of_freedom=degrees_of_freedom)

    def scores(self, name: str) -> pd.DataFrame:
        """Posterior mean and standard deviation of a latent variable, one row per analysed row.

        Raises
        ------
        BlimpError
            When the model has no latent variable of that name.
        """
        latent = [each.name for each in self.model.variables.values() if each.origin is Origin.LATENT]
        if not latent:
            raise error(f"there are no scores of '{name}': the model has no latent variable", code="no-latent")
        if name not in latent:
            raise error(f"'{name}' is not a latent variable", hint=nearest(name, latent) or ", ".join(latent))
        columns = {"mean": self.draws.cell_mean[name], "sd": np.sqrt(self.draws.cell_variance[name])}
        return pd.DataFrame(columns, index=pd.Index(self.model.frame.source_row, name="row"))

    # ------------------------------------------------------------ files

    def saved(self) -> dict[str, str]:
        """What SAVE asks for: file name -> text."""
        return saved_files(self.model, self.draws, self._lines, self.estimates, self._burn_in)

    def save(self, folder: str | Path) -> list[Path]:
        """Write `output.txt`, `estimates.csv`, `model.py`, the files of SAVE, and last `draws.nc` (netCDF).

        Parameters
        ----------
        folder
            Made when it does not exist. Nothing is written outside it.

        Raises
        ------
        BlimpError
            When SAVE names a file outside the folder (then nothing is written), or a file cannot be written.
        """
        folder = _path(folder)
        check_results_folder(self.model, folder)
        files = {
            "output.txt": self.text,
            "estimates.csv": self.estimates.to_csv(index=False, lineterminator="\n"),
            **source_files(self.model, folder),
        }
        written = write_files(self.model, folder, files | self.saved())
        draws = folder / "draws.nc"
        try:
            self.idata.to_netcdf(draws, engine="h5netcdf")
        except OSError as trouble:
            raise error(f"{draws} cannot be written: {trouble.strerror or trouble}") from None
        return [*written, draws]

    # ------------------------------------------------------------ figures

    def plot_trace(self, *parameters: str) -> Figure:
        """Chains of parameters, by Blimp's or PyMC's names; all free ones without a name."""
        from blimp2pymc.summary.plots import plot_trace

        return plot_trace(self.model, self.draws, parameters)

    def plot_posterior(self, *parameters: str) -> Figure:
        """Posterior densities with medians and 95 % intervals; all free parameters without a name."""
        from blimp2pymc.summary.plots import plot_posterior

        return plot_posterior(self.model, self.draws, parameters)

    def plot_imputations(self, *variables: str) -> Figure:
        """Observed and imputed values of incomplete variables; all of them without a name."""
        from blimp2pymc.summary.plots import plot_imputations

        return plot_imputations(self.model, self.draws, variables)

    def plot_conditional_effects(self, outcome: str | None = None) -> Figure:
        """Lines of SIMPLE with 95 % bands, one panel per outcome and focal variable."""
        from blimp2pymc.summary.plots import plot_conditional_effects

        return plot_conditional_effects(self.model, self.draws, self._lines, outcome)

    def plot_category_probabilities(self, outcome: str, predictor: str | None = None) -> Figure:
        """Predicted probability of every category of an outcome over a predictor, with 95 % bands.

        Parameters
        ----------
        outcome
            An ordinal or nominal outcome.
        predictor
            One of its predictors, the others at their means, nominal ones at their reference; a panel each when None.
        """
        from blimp2pymc.summary.category_plots import plot_category_probabilities

        return plot_category_probabilities(self.model, self.draws, outcome, predictor)

    def path_diagram(
        self, *, estimates: str = "median", intercepts: bool = False, predictors: bool = True
    ) -> PathDiagram:
        """Path diagram with estimates; arguments as in `path_diagram.path_diagram`."""
        from blimp2pymc.summary.path_diagram import path_diagram

        return path_diagram(self.model, self.draws, estimates=estimates, intercepts=intercepts, predictors=predictors)

    def __repr__(self) -> str:
        outcomes = ", ".join(dict.fromkeys(self.estimates.loc[self.estimates["block"] == "outcome", "outcome"]))
        size = f"{self.draws.n_chains} chains x {self.draws.n_draws} draws"
        highest = self.estimates["r_hat"].max()
        return f"<Fit of {outcomes}: {size}, highest R-hat {highest:.3f}; .summary(), .text, .idata>"

    def _repr_html_(self) -> str:
        return html(self.estimates, self.notes)
