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
        "w": [2.04, -2.56, 0.42, -0.57, -0.45, -0.22, -2.02, -0.23, -0.87, 3.32, 0.23, -0.35, -0.28, -0.67, -1.06,
            -0.39, 0.48, -0.24, 0.96, -0.2, 0.02, 1.55, 0.55, -0.51, -0.18, 0.54, 1.94, -0.27, -0.24, 1, -0.89,
            -0.29, 0.88, 0.58, 0.09, 0.67, -2.83, 1.02, -0.96, -1.67],
    })
    # fmt: on

x1_data = data["x1"].to_numpy(float)
x2_data = data["x2"].to_numpy(float)
w = data["w"].to_numpy(float)
x1_is_missing = np.isnan(x1_data)
x2_is_missing = np.isnan(x2_data)

coords = {
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "x1_term": ["w"],
    "x2_missing_row": data.index[x2_is_missing],
    "x2_observed_row": data.index[~x2_is_missing],
    "x2_term": ["w"],
}

with pm.Model(coords=coords) as model:
    # x1 ~~ x2@r;
    x1_sd = 1
    x2_sd = 1
    r = pm.Uniform("r", lower=-1, upper=1)
    # prior of the correlations; all variances are fixed
    pm.Potential("x1_x2_covariance_prior", pt.log(1 - r**2))

    # x1 ~ w;
    x1_intercept = pm.Flat("x1_intercept", initval=np.nanmean(x1_data))
    x1_coefficient = pm.Flat("x1_coefficient", dims="x1_term")
    x1_predicted = x1_intercept + x1_coefficient[0] * w
    x1_missing = pm.Normal("x1_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row")
    pm.Normal(
        "x1_observed", x1_predicted[~x1_is_missing], x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row"
    )
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)

    # x2 ~ w;
    x2_intercept = pm.Flat("x2_intercept", initval=np.nanmean(x2_data))
    x2_coefficient = pm.Flat("x2_coefficient", dims="x2_term")
    x2_predicted = x2_intercept + x2_coefficient[0] * w
    x1_residual = x1 - x1_predicted
    x2_given_mean = x2_predicted + r * x2_sd / x1_sd * x1_residual
    x2_given_sd = x2_sd * pt.sqrt(1 - r**2)
    x2_missing = pm.Normal("x2_missing", x2_given_mean[x2_is_missing], x2_given_sd, dims="x2_missing_row")
    pm.Normal(
        "x2_observed",
        x2_given_mean[~x2_is_missing],
        x2_given_sd,
        observed=x2_data[~x2_is_missing],
        dims="x2_observed_row",
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
