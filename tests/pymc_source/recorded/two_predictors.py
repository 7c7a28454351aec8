# PyMC version, written by blimp2pymc.

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

# The data; 40 rows are analysed. A DataFrame called `data` may be provided instead of the file.
if "data" not in globals():
    # fmt: off
    data = pd.DataFrame({
        "y": [2.15, -0.32, 4.72, 2.12, 4.95, np.nan, 0.38, 1.5, 0.91, 5.35, 3.08, 1.77, 2.31, 1.86, 4.49, 2.32, 2.33,
            np.nan, 3.19, 1.79, 4.87, np.nan, 2.05, 1.75, 0.99, 4.52, 3.78, np.nan, 3.75, np.nan, 2.23, 5.74, 4.8,
            np.nan, 1.65, 3.54, 1.25, 2.25, 1.26, 4.64],
        "x1": [2.65, -1, 3.89, 2.47, 2.53, 3.03, np.nan, 1.24, 0.77, 2.86, np.nan, np.nan, 1.26, np.nan, np.nan,
            2.38, 0.99, 0.15, 2.47, 3.11, 2.77, 2.99, 1.96, 2.04, 1.67, 3.09, np.nan, np.nan, 1.77, 3.04, 1.78, 4.4,
            3.94, 3.79, 0.01, 1.99, -0.02, 3.04, np.nan, 2.34],
        "x2": [3.43, -0.4, 1.88, 1.19, 2.35, 3.15, 3.58, 1.6, 2.07, 2.3, 4.15, 2.19, 2.87, 0.76, 1.49, np.nan,
            np.nan, np.nan, np.nan, 1.79, 2.89, 1.79, 1.15, 2.6, np.nan, 2.29, 1.31, 0.93, 0.67, 3.04, 2.86, 3.07,
            3.21, 2.63, 1.14, 0.27, 0.53, 2.33, 0.21, 1.46],
        "d": [1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0,
            0, 0, 0, 0, 1, 0],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
x1_data = data["x1"].to_numpy(float)
x2_data = data["x2"].to_numpy(float)
d = data["d"].to_numpy(float)
y_is_missing = np.isnan(y_data)
x1_is_missing = np.isnan(x1_data)
x2_is_missing = np.isnan(x2_data)
d_observed_mean = d.mean()

coords = {
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "x1_term": ["d"],
    "x2_missing_row": data.index[x2_is_missing],
    "x2_observed_row": data.index[~x2_is_missing],
    "x2_term": ["d"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["x2", "d", "x1*x2"],
}

with pm.Model(coords=coords) as model:
    # ---- predictors ----

    # predictors without an equation are jointly normal: x1, x2
    x1_residual_variance = pm.HalfFlat("x1_residual_variance", initval=np.nanvar(x1_data))
    x2_residual_variance = pm.HalfFlat("x2_residual_variance", initval=np.nanvar(x2_data))
    x1_sd = pt.sqrt(x1_residual_variance)
    x2_sd = pt.sqrt(x2_residual_variance)
    x1_x2_correlation = pm.Uniform("x1_x2_correlation", lower=-1, upper=1)
    # covariance matrix ~ inverse Wishart(S = I, df = 1)
    x1_x2_covariance_prior = (
        -1.5 * (pt.log(x1_residual_variance) + pt.log(x2_residual_variance))
        - 2 * pt.log(1 - x1_x2_correlation**2)
        - 0.5 * (1 / x1_residual_variance + 1 / x2_residual_variance) / (1 - x1_x2_correlation**2)
    )
    pm.Potential("x1_x2_covariance_prior", x1_x2_covariance_prior)

    # x1 ~ Intercept d
    x1_mean = pm.Flat("x1_mean", initval=np.nanmean(x1_data))
    x1_coefficient = pm.Flat("x1_coefficient", dims="x1_term")
    x1_predicted = x1_mean + x1_coefficient[0] * (d - d_observed_mean)
    x1_missing = pm.Normal("x1_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row")
    pm.Normal(
        "x1_observed", x1_predicted[~x1_is_missing], x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row"
    )
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)

    # x2 ~ Intercept d
    x2_mean = pm.Flat("x2_mean", initval=np.nanmean(x2_data))
    x2_coefficient = pm.Flat("x2_coefficient", dims="x2_term")
    x2_predicted = x2_mean + x2_coefficient[0] * (d - d_observed_mean)
    x1_residual = x1 - x1_predicted
    x2_given_mean = x2_predicted + x1_x2_correlation * x2_sd / x1_sd * x1_residual
    x2_given_sd = x2_sd * pt.sqrt(1 - x1_x2_correlation**2)
    x2_missing = pm.Normal("x2_missing", x2_given_mean[x2_is_missing], x2_given_sd, dims="x2_missing_row")
    pm.Normal(
        "x2_observed",
        x2_given_mean[~x2_is_missing],
        x2_given_sd,
        observed=x2_data[~x2_is_missing],
        dims="x2_observed_row",
    )
    x2 = pt.set_subtensor(pt.as_tensor(x2_data)[x2_is_missing], x2_missing)

    # ---- focal ----

    # y ~ x1@b1 x2 d x1*x2;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    b1 = pm.Flat("b1")
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept
        + b1 * (x1 - x1_mean)
        + y_coefficient[0] * (x2 - x2_mean)
        + y_coefficient[1] * d
        + y_coefficient[2] * (x1 - x1_mean) * (x2 - x2_mean)
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
