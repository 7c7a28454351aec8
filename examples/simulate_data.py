"""Simulate the data of the examples, with known generating values and values missing at random.

    python examples/simulate_data.py

writes one CSV file beside each script, always the same. `GENERATING_VALUES` holds what a perfect
analysis would find; the tests compare the examples' estimates with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent
N_ROWS = 400

GENERATING_VALUES = {
    "interaction": {
        ("strain", "Variances", "Residual Var."): 1.0,
        ("strain", "Coefficients", "Intercept"): 4.0,
        ("strain", "Coefficients", "workload"): 0.6,
        ("strain", "Coefficients", "support"): -0.4,
        ("strain", "Coefficients", "workload*support"): -0.3,
        ("strain", "Coefficients", "nightshift"): 0.5,
    },
    "mediation": {
        ("confidence", "Coefficients", "Intercept"): 1.0,
        ("confidence", "Coefficients", "training"): 0.5,
        ("confidence", "Variances", "Residual Var."): 1.0,
        ("performance", "Coefficients", "Intercept"): 2.0,
        ("performance", "Coefficients", "training"): 0.2,
        ("performance", "Coefficients", "confidence"): 0.4,
        ("performance", "Variances", "Residual Var."): 0.8,
        ("", "Generated Parameters", "indirect"): 0.2,
    },
    "parallel_mediators": {
        ("worry", "Coefficients", "threat"): 0.5,
        ("anger", "Coefficients", "threat"): 0.3,
        ("avoidance", "Coefficients", "threat"): 0.1,
        ("avoidance", "Coefficients", "worry"): 0.4,
        ("avoidance", "Coefficients", "anger"): -0.2,
        ("", "Generated Parameters", "by_worry"): 0.2,
        ("", "Generated Parameters", "by_anger"): -0.06,
        ("", "Generated Parameters", "difference"): 0.26,
    },
    "sum_score": {
        ("wellbeing", "Coefficients", "Intercept"): 2.25,
        ("wellbeing", "Coefficients", "meaning"): 0.15,
        ("wellbeing", "Coefficients", "older"): 0.4,
        ("wellbeing", "Variances", "Residual Var."): 1.0,
    },
    "auxiliary": {
        ("income", "Coefficients", "Intercept"): 3.0,
        ("income", "Coefficients", "schooling"): 0.5,
        ("income", "Variances", "Residual Var."): 1.0,
    },
    "constraints": {
        ("grade", "Coefficients", "Intercept"): 5.0,
        ("grade", "Coefficients", "reading"): 0.3,
        ("grade", "Coefficients", "writing"): 0.3,
        ("grade", "Coefficients", "arithmetic"): 0.6,
        ("grade", "Coefficients", "absences"): -0.2,
        ("grade", "Variances", "Residual Var."): 1.0,
        ("", "Generated Parameters", "arithmetic_minus_language"): 0.3,
    },
    "latent_growth": {
        ("level", "Coefficients", "Intercept"): 10.0,
        ("level", "Coefficients", "training"): 0.0,
        ("level", "Variances", "Residual Var."): 1.0,
        ("change", "Coefficients", "Intercept"): 1.0,
        ("change", "Coefficients", "training"): 0.5,
        ("change", "Coefficients", "support"): 0.2,
        ("change", "Coefficients", "training*support"): 0.4,
        ("change", "Variances", "Residual Var."): 0.16,
        ("change level", "Covariances", "Cov(change,level)"): 0.08,
        ("support", "Variances", "Residual Var."): 1.0,
        ("reads", "Coefficients", "support"): 0.8,
        ("visits", "Coefficients", "support"): 1.2,
        ("reading2", "Variances", "Residual Var."): 0.5,
    },
    "variability": {
        ("mood", "Coefficients", "Intercept"): 5.0,
        ("mood", "Coefficients", "stress"): -0.5,
        ("mood", "Coefficients", "sleep"): 0.3,
        ("var(mood)", "Coefficients", "Intercept"): 0.2,
        ("var(mood)", "Coefficients", "stress"): 0.6,
        ("var(mood)", "Coefficients", "sleep"): -0.2,
        ("logit(help)", "Coefficients", "Intercept"): 2.0,
        ("logit(help)", "Coefficients", "mood"): -0.6,
        ("logit(help)", "Coefficients", "stress"): 0.4,
    },
    "waiting_times": {
        ("ln(wait)", "Coefficients", "Intercept"): 2.5,
        ("ln(wait)", "Coefficients", "urgent"): -0.6,
        ("ln(wait)", "Coefficients", "distance"): 0.3,
        ("ln(wait)", "Variances", "Residual Var."): 0.25,
        ("yjt(cost-20)", "Coefficients", "Intercept"): 0.5,
        ("yjt(cost-20)", "Coefficients", "wait"): 0.1,
        ("yjt(cost-20)", "Coefficients", "urgent"): 0.8,
        ("yjt(cost-20)", "Variances", "Residual Var."): 1.0,
        ("yjt(cost-20)", "Transformation", "Yeo-Johnson (lambda)"): 0.4,
    },
    "smoking": {
        ("smoker", "Coefficients", "Intercept"): -0.3,
        ("smoker", "Coefficients", "stress"): 0.4,
        ("health", "Coefficients", "Intercept"): 1.2,
        ("health", "Coefficients", "smoker"): -0.5,
        ("health", "Coefficients", "stress"): -0.4,
        ("health", "Coefficients", "region.2"): 0.6,
        ("health", "Coefficients", "region.3"): -0.3,
        ("health", "Thresholds", "Tau 2"): 0.8,
        ("health", "Thresholds", "Tau 3"): 1.7,
        ("visits", "Coefficients", "Intercept"): 1.5,
        ("visits", "Coefficients", "health"): -0.3,
        ("visits", "Coefficients", "smoker"): 0.4,
        ("visits", "Variances", "Dispersion Parameter"): 0.5,
        ("", "Generated Parameters", "smokes_at_mean"): 0.382,
        ("", "Generated Parameters", "smokes_at_high"): 0.540,
    },
}
"""Example -> (outcome, section, parameter) as printed -> generating value; generated parameters have no outcome."""


def main() -> None:
    """Write every data file."""
    for simulate in (
        interaction, mediation, parallel_mediators, sum_score, auxiliary, constraints, latent_growth, variability,
        waiting_times, smoking,
    ):  # fmt: skip
        table = simulate(np.random.default_rng(20261))
        table.to_csv(FOLDER / f"{simulate.__name__}.csv", index=False, na_rep="NA", float_format="%.3f")


def interaction(rng: np.random.Generator) -> pd.DataFrame:
    """Strain by workload, support and their product; all three incomplete, night shift complete."""
    nightshift = rng.binomial(1, 0.4, N_ROWS)
    workload = 5 + 0.6 * (nightshift - 0.4) + rng.normal(size=N_ROWS)
    support = 3 - 0.4 * (workload - 5) + 0.9 * rng.normal(size=N_ROWS)
    w, s = workload - 5, support - 3
    strain = 4 + 0.6 * w - 0.4 * s - 0.3 * w * s + 0.5 * nightshift + rng.normal(size=N_ROWS)
    table = pd.DataFrame({"strain": strain, "workload": workload, "support": support, "nightshift": nightshift})
    table["workload"] = _lose(rng, workload, 0.25 * (strain > 4))
    table["support"] = _lose(rng, support, 0.10 + 0.15 * nightshift)
    table["strain"] = _lose(rng, strain, 0.10 * nightshift * table["workload"].notna())
    return table


def mediation(rng: np.random.Generator) -> pd.DataFrame:
    """Training raises confidence, confidence raises performance."""
    training = rng.normal(size=N_ROWS)
    confidence = 1 + 0.5 * training + rng.normal(size=N_ROWS)
    performance = 2 + 0.2 * training + 0.4 * confidence + np.sqrt(0.8) * rng.normal(size=N_ROWS)
    return pd.DataFrame(
        {
            "training": training,
            "confidence": _lose(rng, confidence, 0.25 * (training > 0)),
            "performance": _lose(rng, performance, 0.20 * (training < 0.5)),
        }
    )


def parallel_mediators(rng: np.random.Generator) -> pd.DataFrame:
    """Threat works on avoidance through worry and anger, whose residuals correlate .5."""
    threat = rng.normal(size=N_ROWS)
    shared = np.sqrt(0.5) * rng.normal(size=N_ROWS)
    worry = 2 + 0.5 * threat + shared + np.sqrt(0.5) * rng.normal(size=N_ROWS)
    anger = 1 + 0.3 * threat + shared + np.sqrt(0.5) * rng.normal(size=N_ROWS)
    avoidance = 0.1 * threat + 0.4 * worry - 0.2 * anger + rng.normal(size=N_ROWS)
    return pd.DataFrame(
        {
            "threat": threat,
            "worry": _lose(rng, worry, np.full(N_ROWS, 0.15)),
            "anger": _lose(rng, anger, 0.25 * (threat > 0)),
            "avoidance": _lose(rng, avoidance, 0.20 * (threat < 0)),
        }
    )


def sum_score(rng: np.random.Generator) -> pd.DataFrame:
    """Wellbeing by a sum of five incomplete items; the older half answers fewer of them."""
    older = rng.binomial(1, 0.5, N_ROWS)
    factor = 0.3 * (older - 0.5) + rng.normal(size=N_ROWS)
    items = 5 + 0.8 * factor[:, None] + 0.7 * rng.normal(size=(N_ROWS, 5))
    wellbeing = 6 + 0.15 * (items.sum(axis=1) - 25) + 0.4 * older + rng.normal(size=N_ROWS)
    table = pd.DataFrame({"wellbeing": wellbeing, "older": older})
    for number in range(5):
        table[f"item{number + 1}"] = _lose(rng, items[:, number], 0.05 + 0.10 * older)
    return table


def auxiliary(rng: np.random.Generator) -> pd.DataFrame:
    """Income by schooling; the job's rating and the rent tell who does not report an income."""
    schooling = rng.normal(size=N_ROWS)
    income = 3 + 0.5 * schooling + rng.normal(size=N_ROWS)
    rating = 1 + 0.7 * income + 0.7 * rng.normal(size=N_ROWS)
    rent = 0.5 + 0.3 * income + 0.2 * schooling + 0.8 * rng.normal(size=N_ROWS)
    return pd.DataFrame(
        {
            "income": _lose(rng, income, np.where(rating > 3.5, 0.5, 0.1)),
            "schooling": _lose(rng, schooling, np.full(N_ROWS, 0.1)),
            "rating": rating,
            "rent": _lose(rng, rent, np.full(N_ROWS, 0.1)),
        }
    )


def constraints(rng: np.random.Generator) -> pd.DataFrame:
    """A grade by four incomplete predictors, two of them with equal slopes, one with a negative slope."""
    ability = rng.normal(size=N_ROWS)
    scores = 0.6 * ability[:, None] + 0.8 * rng.normal(size=(N_ROWS, 3))
    absences = 2 - 0.3 * ability + rng.normal(size=N_ROWS)
    grade = 5 + scores @ [0.3, 0.3, 0.6] - 0.2 * absences + rng.normal(size=N_ROWS)
    table = pd.DataFrame(scores, columns=["reading", "writing", "arithmetic"])
    for name in table:
        table[name] = _lose(rng, table[name].to_numpy(), np.where(absences > 2, 0.2, 0.05))
    return table.assign(absences=absences, grade=_lose(rng, grade, 0.1 * (absences > 2)))


def latent_growth(rng: np.random.Generator) -> pd.DataFrame:
    """Four waves of reading on a straight line whose slope depends on training, support and their product."""
    training = rng.binomial(1, 0.5, N_ROWS)
    support = rng.normal(size=N_ROWS)
    deviations = rng.multivariate_normal([0, 0], [[1, 0.08], [0.08, 0.16]], N_ROWS)
    level = 10 + deviations[:, 0]
    change = 1 + 0.5 * training + 0.2 * support + 0.4 * training * support + deviations[:, 1]
    columns = {"training": training}
    for name, loading in (("talks", 1.0), ("reads", 0.8), ("visits", 1.2)):
        item = 3 + loading * support + np.sqrt(0.5) * rng.normal(size=N_ROWS)
        columns[name] = _lose(rng, item, np.full(N_ROWS, 0.1))
    for wave in range(4):
        reading = level + wave * change + np.sqrt(0.5) * rng.normal(size=N_ROWS)
        columns[f"reading{wave}"] = _lose(rng, reading, np.full(N_ROWS, 0.08 * wave))
    return pd.DataFrame(columns)


def variability(rng: np.random.Generator) -> pd.DataFrame:
    """Mood that is lower and less stable under stress; help is asked for where mood is low."""
    sleep = rng.normal(0, 1, N_ROWS)
    stress = -0.3 * sleep + rng.normal(0, 1, N_ROWS)
    mood = 5 - 0.5 * stress + 0.3 * sleep + np.exp(0.5 * (0.2 + 0.6 * stress - 0.2 * sleep)) * rng.normal(0, 1, N_ROWS)
    chance = 1 / (1 + np.exp(-(2.0 - 0.6 * mood + 0.4 * stress)))
    asked = (rng.random(N_ROWS) < chance).astype(float)
    return pd.DataFrame(
        {
            "sleep": sleep,
            "stress": _lose(rng, stress, 0.1 + 0.1 * (sleep < 0)),
            "mood": _lose(rng, mood, 0.1 + 0.1 * (sleep < 0)),
            "help": asked,
        }
    )


def waiting_times(rng: np.random.Generator) -> pd.DataFrame:
    """Days waited, normal on the log scale, and costs that rise with them, normal after Yeo-Johnson with lambda .4."""
    urgent = rng.binomial(1, 0.3, N_ROWS)
    distance = rng.normal(size=N_ROWS)
    wait = np.exp(2.5 - 0.6 * urgent + 0.3 * distance + 0.5 * rng.normal(size=N_ROWS))
    cost = 0.5 + 0.1 * wait + 0.8 * urgent + rng.normal(size=N_ROWS)
    up, down = np.maximum(cost, 0), np.maximum(-cost, 0)
    cost = 20 + (1 + 0.4 * up) ** (1 / 0.4) - (1 + 1.6 * down) ** (1 / 1.6)
    return pd.DataFrame(
        {
            "urgent": urgent,
            "distance": distance,
            "wait": _lose(rng, wait, 0.25 * (distance > 0)),
            "cost": _lose(rng, cost, 0.2 * (urgent == 0)),
        }
    )


def smoking(rng: np.random.Generator) -> pd.DataFrame:
    """Latent responses cut into categories, and counts that scatter more than Poisson counts."""
    region = rng.choice([1, 2, 3], N_ROWS, p=[0.4, 0.3, 0.3])
    stress = 0.3 * (region == 3) + rng.normal(size=N_ROWS)
    stress = stress - 0.3 * 0.3
    smoker = (-0.3 + 0.4 * stress + rng.normal(size=N_ROWS) > 0).astype(float)
    response = 1.2 - 0.5 * smoker - 0.4 * stress + 0.6 * (region == 2) - 0.3 * (region == 3)
    response = response + rng.normal(size=N_ROWS)
    health = 1.0 + np.digitize(response, [0.0, 0.8, 1.7])
    mean = np.exp(1.5 - 0.3 * health + 0.4 * smoker)
    visits = rng.poisson(rng.gamma(1 / 0.5, 0.5 * mean))
    return pd.DataFrame(
        {
            "visits": visits,
            "stress": _lose(rng, stress, np.where(visits > 2, 0.25, 0.10)),
            "region": _lose(rng, region.astype(float), np.full(N_ROWS, 0.12)),
            "smoker": _lose(rng, smoker, np.where(visits > 2, 0.25, 0.10)),
            "health": _lose(rng, health, np.full(N_ROWS, 0.12)),
        }
    )


def _lose(rng: np.random.Generator, values: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """A copy of `values` with each one missing with its probability."""
    return np.where(rng.random(len(values)) < probability, np.nan, values)


if __name__ == "__main__":
    main()
