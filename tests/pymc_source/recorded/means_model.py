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
        "w": [2.04, -2.56, 0.42, -0.57, -0.45, -0.22, -2.02, -0.23, -0.87, 3.32, 0.23, -0.35, -0.28, -0.67, -1.06,
            -0.39, 0.48, -0.24, 0.96, -0.2, 0.02, 1.55, 0.55, -0.51, -0.18, 0.54, 1.94, -0.27, -0.24, 1, -0.89,
            -0.29, 0.88, 0.58, 0.09, 0.67, -2.83, 1.02, -0.96, -1.67],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
x1_data = data["x1"].to_numpy(float)
w = data["w"].to_numpy(float)
y_is_missing = np.isnan(y_data)
x1_is_missing = np.isnan(x1_data)

coords = {
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "x1_term": ["w"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["x1", "w", "x1*w"],
}

with pm.Model(coords=coords) as model:
    # ---- predictor ----

    # x1 ~ w;
    x1_intercept = pm.Flat("x1_intercept", initval=np.nanmean(x1_data))
    x1_coefficient = pm.Flat("x1_coefficient", dims="x1_term")
    x1_residual_variance = pm.HalfFlat("x1_residual_variance", initval=np.nanvar(x1_data))
    x1_predicted = x1_intercept + x1_coefficient[0] * w
    x1_sd = pt.sqrt(x1_residual_variance)
    x1_missing = pm.Normal("x1_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row")
    pm.Normal(
        "x1_observed", x1_predicted[~x1_is_missing], x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row"
    )
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)

    # mean of x1, from its completed values alone (it is centered and an outcome)
    x1_mean_variance = pm.InverseGamma("x1_mean_variance", alpha=20.5, beta=0.5 + pt.sum((x1 - pt.mean(x1)) ** 2) / 2)
    x1_mean = pm.Normal("x1_mean", pt.mean(x1), pt.sqrt(x1_mean_variance / 40))

    # ---- focal ----

    # y ~ x1 w x1*w;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept + y_coefficient[0] * (x1 - x1_mean) + y_coefficient[1] * w + y_coefficient[2] * (x1 - x1_mean) * w
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
