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
        "w": [2.04, -2.56, 0.42, -0.57, -0.45, -0.22, -2.02, -0.23, -0.87, 3.32, 0.23, -0.35, -0.28, -0.67, -1.06,
            -0.39, 0.48, -0.24, 0.96, -0.2, 0.02, 1.55, 0.55, -0.51, -0.18, 0.54, 1.94, -0.27, -0.24, 1, -0.89,
            -0.29, 0.88, 0.58, 0.09, 0.67, -2.83, 1.02, -0.96, -1.67],
    })
    # fmt: on

x1_data = data["x1"].to_numpy(float)
x2_data = data["x2"].to_numpy(float)
x3_data = data["x3"].to_numpy(float)
w = data["w"].to_numpy(float)
x1_is_missing = np.isnan(x1_data)
x2_is_missing = np.isnan(x2_data)
x3_is_missing = np.isnan(x3_data)

coords = {
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "x1_term": ["w"],
    "x2_missing_row": data.index[x2_is_missing],
    "x2_observed_row": data.index[~x2_is_missing],
    "x2_term": ["w"],
    "x3_missing_row": data.index[x3_is_missing],
    "x3_observed_row": data.index[~x3_is_missing],
    "x3_term": ["w"],
    "x1_x2_x3_pair": ["x1 ~~ x2", "x1 ~~ x3", "x2 ~~ x3"],
}

with pm.Model(coords=coords) as model:
    # x1 x2 x3 ~~ x1 x2 x3;
    x1_sd = 1
    x2_sd = np.sqrt(2)
    x3_sd = 1
    x1_x2_x3_correlation_cholesky = pm.LKJCorr("x1_x2_x3_correlation_cholesky", n=3, eta=1)
    x1_x2_x3_correlation_matrix = x1_x2_x3_correlation_cholesky @ x1_x2_x3_correlation_cholesky.T
    x1_x2_x3_correlation = pm.Deterministic(
        "x1_x2_x3_correlation", x1_x2_x3_correlation_matrix[np.tril_indices(3, k=-1)], dims="x1_x2_x3_pair"
    )
    # prior of the correlations; all variances are fixed
    pm.Potential("x1_x2_x3_covariance_prior", 2 * pt.sum(pt.log(pt.diagonal(x1_x2_x3_correlation_cholesky))))

    # x1 ~ w;
    x1_intercept = pm.Flat("x1_intercept", initval=np.nanmean(x1_data))
    x1_coefficient = pm.Flat("x1_coefficient", dims="x1_term")
    x1_predicted = x1_intercept + x1_coefficient[0] * w
    x1_missing = pm.Normal("x1_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row")
    pm.Normal(
        "x1_observed", x1_predicted[~x1_is_missing], x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row"
    )
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)
    x1_z = (x1 - x1_predicted) / x1_sd

    # x2 ~ w;
    x2_intercept = pm.Flat("x2_intercept", initval=np.nanmean(x2_data))
    x2_coefficient = pm.Flat("x2_coefficient", dims="x2_term")
    x2_predicted = x2_intercept + x2_coefficient[0] * w
    x2_given_mean = x2_predicted + x2_sd * x1_x2_x3_correlation_cholesky[1, 0] * x1_z
    x2_given_sd = x2_sd * x1_x2_x3_correlation_cholesky[1, 1]
    x2_missing = pm.Normal("x2_missing", x2_given_mean[x2_is_missing], x2_given_sd, dims="x2_missing_row")
    pm.Normal(
        "x2_observed",
        x2_given_mean[~x2_is_missing],
        x2_given_sd,
        observed=x2_data[~x2_is_missing],
        dims="x2_observed_row",
    )
    x2 = pt.set_subtensor(pt.as_tensor(x2_data)[x2_is_missing], x2_missing)
    x2_z = (x2 - x2_given_mean) / x2_given_sd

    # x3 ~ w;
    x3_intercept = pm.Flat("x3_intercept", initval=np.nanmean(x3_data))
    x3_coefficient = pm.Flat("x3_coefficient", dims="x3_term")
    x3_predicted = x3_intercept + x3_coefficient[0] * w
    x3_given_mean = (
        x3_predicted
        + x3_sd * x1_x2_x3_correlation_cholesky[2, 0] * x1_z
        + x3_sd * x1_x2_x3_correlation_cholesky[2, 1] * x2_z
    )
    x3_given_sd = x3_sd * x1_x2_x3_correlation_cholesky[2, 2]
    x3_missing = pm.Normal("x3_missing", x3_given_mean[x3_is_missing], x3_given_sd, dims="x3_missing_row")
    pm.Normal(
        "x3_observed",
        x3_given_mean[~x3_is_missing],
        x3_given_sd,
        observed=x3_data[~x3_is_missing],
        dims="x3_observed_row",
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
