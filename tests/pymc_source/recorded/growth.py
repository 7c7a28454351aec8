# PyMC version, written by blimp2pymc.

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

# The data; 40 rows are analysed. A DataFrame called `data` may be provided instead of the file.
if "data" not in globals():
    # fmt: off
    data = pd.DataFrame({
        "x1": [2.65, -1, 3.89, 2.47, 2.53, 3.03, np.nan, 1.24, 0.77, 2.86, np.nan, np.nan, 1.26, np.nan, np.nan,
            2.38, 0.99, 0.15, 2.47, 3.11, 2.77, 2.99, 1.96, 2.04, 1.67, 3.09, np.nan, np.nan, 1.77, 3.04, 1.78, 4.4,
            3.94, 3.79, 0.01, 1.99, -0.02, 3.04, np.nan, 2.34],
        "x2": [3.43, -0.4, 1.88, 1.19, 2.35, 3.15, 3.58, 1.6, 2.07, 2.3, 4.15, 2.19, 2.87, 0.76, 1.49, np.nan,
            np.nan, np.nan, np.nan, 1.79, 2.89, 1.79, 1.15, 2.6, np.nan, 2.29, 1.31, 0.93, 0.67, 3.04, 2.86, 3.07,
            3.21, 2.63, 1.14, 0.27, 0.53, 2.33, 0.21, 1.46],
        "x3": [np.nan, -0.55, np.nan, 0.1, 0.13, 1.09, 0.33, np.nan, -2.28, 1.26, -0.27, -0.19, np.nan, 1.33, 1.25,
            np.nan, np.nan, -0.64, 0.26, 1.37, np.nan, 2.7, 1.38, 2.27, -0.35, np.nan, 0.56, 1.15, np.nan, 0.68,
            -0.06, 2.32, -0.12, 1.66, np.nan, -0.42, -0.82, -0.74, -0.12, 1.44],
        "d": [1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0,
            0, 0, 0, 0, 1, 0],
    })
    # fmt: on

x1_data = data["x1"].to_numpy(float)
x2_data = data["x2"].to_numpy(float)
x3_data = data["x3"].to_numpy(float)
d = data["d"].to_numpy(float)
x1_is_missing = np.isnan(x1_data)
x2_is_missing = np.isnan(x2_data)
x3_is_missing = np.isnan(x3_data)

coords = {
    "row": data.index,
    "level_term": ["d"],
    "change_term": ["d"],
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "x2_missing_row": data.index[x2_is_missing],
    "x2_observed_row": data.index[~x2_is_missing],
    "x3_missing_row": data.index[x3_is_missing],
    "x3_observed_row": data.index[~x3_is_missing],
}

with pm.Model(coords=coords) as model:
    # ---- growth ----

    # level ~~ change;
    level_residual_variance = pm.HalfFlat("level_residual_variance")
    change_residual_variance = pm.HalfFlat("change_residual_variance")
    level_sd = pt.sqrt(level_residual_variance)
    change_sd = pt.sqrt(change_residual_variance)
    level_change_correlation = pm.Uniform("level_change_correlation", lower=-1, upper=1)
    # flat prior of the covariance matrix, for variances and correlations
    pm.Potential(
        "level_change_covariance_prior", 0.5 * (pt.log(level_residual_variance) + pt.log(change_residual_variance))
    )

    # { level change } ~ 1 d;
    # level ~ Intercept d
    level_intercept = pm.Flat("level_intercept")
    level_coefficient = pm.Flat("level_coefficient", dims="level_term")
    level_predicted = level_intercept + level_coefficient[0] * d
    level = pm.Normal("level", level_predicted, level_sd, dims="row")

    # change ~ Intercept d
    change_intercept = pm.Flat("change_intercept")
    change_coefficient = pm.Flat("change_coefficient", dims="change_term")
    change_predicted = change_intercept + change_coefficient[0] * d
    level_residual = level - level_predicted
    change_given_mean = change_predicted + level_change_correlation * change_sd / level_sd * level_residual
    change_given_sd = change_sd * pt.sqrt(1 - level_change_correlation**2)
    change = pm.Normal("change", change_given_mean, change_given_sd, dims="row")

    # ---- waves ----

    # x1 ~ 1@level change@0;
    v = pm.HalfFlat("v", initval=np.nanvar(x1_data))
    x1_predicted = level
    x1_sd = pt.sqrt(v)
    x1_missing = pm.Normal("x1_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row")
    pm.Normal(
        "x1_observed", x1_predicted[~x1_is_missing], x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row"
    )
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)

    # x2 ~ 1@level change@1 r1@ar;
    ar = pm.Flat("ar")
    r1 = x1 - level
    x2_predicted = level + change + ar * r1
    x2_sd = pt.sqrt(v)
    x2_missing = pm.Normal("x2_missing", x2_predicted[x2_is_missing], x2_sd, dims="x2_missing_row")
    pm.Normal(
        "x2_observed", x2_predicted[~x2_is_missing], x2_sd, observed=x2_data[~x2_is_missing], dims="x2_observed_row"
    )

    # x3 ~ 1@level change@2;
    x3_predicted = level + 2 * change
    x3_sd = pt.sqrt(v)
    x3_missing = pm.Normal("x3_missing", x3_predicted[x3_is_missing], x3_sd, dims="x3_missing_row")
    pm.Normal(
        "x3_observed", x3_predicted[~x3_is_missing], x3_sd, observed=x3_data[~x3_is_missing], dims="x3_observed_row"
    )

    # ---- PARAMETERS ----

    x3_explained_variance = pt.var(2 * change, ddof=1)
    x3_total_variance = x3_explained_variance + v
    # total = x3.totalvar;
    total = pm.Deterministic("total", x3_total_variance)

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
