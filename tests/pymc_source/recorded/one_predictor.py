# PyMC version, written by blimp2pymc.

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

# The data; 39 rows are analysed. A DataFrame called `data` may be provided instead of the file.
if "data" not in globals():
    # fmt: off
    data = pd.DataFrame({
        "y": [2.15, -0.32, 4.72, 2.12, 4.95, np.nan, 0.38, 1.5, 0.91, 5.35, 3.08, 1.77, 2.31, 1.86, 4.49, 2.32, 2.33,
            np.nan, 3.19, 1.79, 4.87, np.nan, 2.05, 1.75, 0.99, 4.52, 3.78, 3.75, np.nan, 2.23, 5.74, 4.8, np.nan,
            1.65, 3.54, 1.25, 2.25, 1.26, 4.64],
        "x1": [2.65, -1, 3.89, 2.47, 2.53, 3.03, np.nan, 1.24, 0.77, 2.86, np.nan, np.nan, 1.26, np.nan, np.nan,
            2.38, 0.99, 0.15, 2.47, 3.11, 2.77, 2.99, 1.96, 2.04, 1.67, 3.09, np.nan, 1.77, 3.04, 1.78, 4.4, 3.94,
            3.79, 0.01, 1.99, -0.02, 3.04, np.nan, 2.34],
    }, index=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28,
            29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39])
    # fmt: on

y_data = data["y"].to_numpy(float)
x1_data = data["x1"].to_numpy(float)
y_is_missing = np.isnan(y_data)
x1_is_missing = np.isnan(x1_data)

coords = {
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["x1"],
}

with pm.Model(coords=coords) as model:
    # ---- predictors ----

    # x1 ~ Intercept
    x1_mean = pm.Flat("x1_mean", initval=np.nanmean(x1_data))
    x1_residual_variance = pm.InverseGamma("x1_residual_variance", alpha=1, beta=0.5, initval=np.nanvar(x1_data))
    x1_sd = pt.sqrt(x1_residual_variance)
    x1_missing = pm.Normal("x1_missing", x1_mean, x1_sd, dims="x1_missing_row")
    pm.Normal("x1_observed", x1_mean, x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row")
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)

    # ---- outcomes ----

    # y ~ x1;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = y_intercept + y_coefficient[0] * x1
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
