"""Run one example and look at it from all sides: the table, the PyMC source, a figure.

    python examples/demo.py

prints the results of `interaction.imp` and leaves everything in `demo_output/`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import blimp2pymc as bp

SCRIPT = Path(__file__).parent / "interaction.imp"
FOLDER = Path("demo_output")
COLOURS = {"+1 SD": "#1b6ca8", "at its mean": "#7a7a7a", "-1 SD": "#c8553d"}


def main() -> None:
    """Run, print, write."""
    quick = {"draws": 250, "tune": 200} if "--quick" in sys.argv else {}
    model = bp.resolve(SCRIPT)
    fit = bp.fit(model, **quick)
    report = fit.text
    print(report)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "output.txt").write_text(report + "\n", encoding="utf-8")
    (FOLDER / "model.py").write_text(bp.translate(model), encoding="utf-8")
    fit.estimates.to_csv(FOLDER / "estimates.csv", index=False)
    draw_conditional_effects(fit, FOLDER / "conditional_effects.png")
    print(f"\nWritten: {', '.join(sorted(each.as_posix() for each in FOLDER.iterdir()))}")


def draw_conditional_effects(fit: bp.Fit, file: Path) -> None:
    """Strain against workload at three levels of support: posterior median, 95 % band, and the data.

    Complete points are filled. Where strain or workload is missing, the point stands at the posterior
    mean of the missing value and is hollow.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    def draws(name: str) -> np.ndarray:
        return fit.draws.parameter(name).reshape(-1, 1)

    def completed(name: str) -> tuple[np.ndarray, np.ndarray]:
        values, lost = fit.model.data[name].copy(), fit.model.missing(name)
        values[lost] = fit.draws.cell_mean[name]
        return values, lost

    workload, workload_lost = completed("workload")
    support, _ = completed("support")
    strain, strain_lost = completed("strain")
    lost = workload_lost | strain_lost
    share = fit.model.data["nightshift"].mean()

    grid = np.linspace(workload.min(), workload.max(), 60)
    centered = grid - draws("workload mean")
    spread = support.std(ddof=1)
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    shade = np.clip((support - support.mean()) / spread, -1.5, 1.5)
    style = {"c": shade, "cmap": "coolwarm_r", "vmin": -1.5, "vmax": 1.5}
    axes.scatter(workload[~lost], strain[~lost], s=12, alpha=0.45, linewidths=0, **{**style, "c": shade[~lost]})
    hollow = plt.get_cmap("coolwarm_r")((shade[lost] + 1.5) / 3)
    axes.scatter(workload[lost], strain[lost], s=14, facecolors="none", edgecolors=hollow, linewidths=0.8)
    for (label, colour), moderator in zip(COLOURS.items(), (spread, 0.0, -spread), strict=True):
        line = (
            draws("strain ~ Intercept")
            + draws("strain ~ nightshift") * share
            + draws("strain ~ support") * moderator
            + (draws("strain ~ workload") + draws("strain ~ workload*support") * moderator) * centered
        )
        low, middle, high = np.quantile(line, [0.025, 0.5, 0.975], axis=0)
        axes.fill_between(grid, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(grid, middle, color=colour, linewidth=2, label=f"support {label}")
    axes.scatter([], [], s=14, facecolors="none", edgecolors="#555555", label="strain or workload missing")
    axes.set_xlabel("workload")
    axes.set_ylabel("strain")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    figure.savefig(file, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    main()
