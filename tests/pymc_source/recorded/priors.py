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
        "m": [1.49, np.nan, 3.58, 1.5, 1.46, 1.24, -0.94, np.nan, -1.37, 2.08, 1.73, 1.31, 0.56, -0.15, 1.21, 0.63,
            0.31, np.nan, 1.1, 1.37, 0.55, 1.31, -1.16, 0.86, -0.37, np.nan, np.nan, -0.95, 1.03, 1.4, -0.16, 2.73,
            np.nan, 0.13, -0.26, 0.85, 0.1, 0.29, 0.24, 1.91],
        "x1": [2.65, -1, 3.89, 2.47, 2.53, 3.03, np.nan, 1.24, 0.77, 2.86, np.nan, np.nan, 1.26, np.nan, np.nan,
            2.38, 0.99, 0.15, 2.47, 3.11, 2.77, 2.99, 1.96, 2.04, 1.67, 3.09, np.nan, np.nan, 1.77, 3.04, 1.78, 4.4,
            3.94, 3.79, 0.01, 1.99, -0.02, 3.04, np.nan, 2.34],
        "w": [2.04, -2.56, 0.42, -0.57, -0.45, -0.22, -2.02, -0.23, -0.87, 3.32, 0.23, -0.35, -0.28, -0.67, -1.06,
            -0.39, 0.48, -0.24, 0.96, -0.2, 0.02, 1.55, 0.55, -0.51, -0.18, 0.54, 1.94, -0.27, -0.24, 1, -0.89,
            -0.29, 0.88, 0.58, 0.09, 0.67, -2.83, 1.02, -0.96, -1.67],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
m_data = data["m"].to_numpy(float)
x1_data = data["x1"].to_numpy(float)
w = data["w"].to_numpy(float)
y_is_missing = np.isnan(y_data)
m_is_missing = np.isnan(m_data)
x1_is_missing = np.isnan(x1_data)

coords = {
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "m_missing_row": data.index[m_is_missing],
    "m_observed_row": data.index[~m_is_missing],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
}

with pm.Model(coords=coords) as model:
    # x1 ~ w@a;
    x1_intercept = pm.Flat("x1_intercept", initval=np.nanmean(x1_data))
    # a ~ normal(0, .25);
    a = pm.Normal("a", mu=0, sigma=0.5)
    x1_residual_variance = pm.HalfFlat("x1_residual_variance", initval=np.nanvar(x1_data))
    x1_predicted = x1_intercept + a * w
    x1_sd = pt.sqrt(x1_residual_variance)
    x1_missing = pm.Normal("x1_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row")
    pm.Normal(
        "x1_observed", x1_predicted[~x1_is_missing], x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row"
    )
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)

    # m ~ x1@b1 w@b2;
    m_intercept = pm.Flat("m_intercept", initval=np.nanmean(m_data))
    # b1 ~ truncate(0, Inf);
    b1 = pm.HalfFlat("b1")
    # b2 ~ truncate(-1, 1);
    b2 = pm.Uniform("b2", lower=-1, upper=1)
    m_residual_variance = pm.HalfFlat("m_residual_variance", initval=np.nanvar(m_data))
    m_predicted = m_intercept + b1 * x1 + b2 * w
    m_sd = pt.sqrt(m_residual_variance)
    m_missing = pm.Normal("m_missing", m_predicted[m_is_missing], m_sd, dims="m_missing_row")
    pm.Normal("m_observed", m_predicted[~m_is_missing], m_sd, observed=m_data[~m_is_missing], dims="m_observed_row")
    m = pt.set_subtensor(pt.as_tensor(m_data)[m_is_missing], m_missing)

    # y ~ 1@b0 x1@b3 m@b4 w@0.5;
    b0 = pm.Flat("b0", initval=np.nanmean(y_data))
    # b3 = 2*a - b1^2;
    b3 = pm.Deterministic("b3", 2 * a - b1**2)
    # b4 ~ normal(0, 2);
    # b4 ~ truncate(-Inf, 1);
    b4 = pm.TruncatedNormal("b4", mu=0, sigma=np.sqrt(2), upper=1)
    v = pm.HalfFlat("v", initval=np.nanvar(y_data))
    y_predicted = b0 + b3 * x1 + b4 * m + 0.5 * w
    y_sd = pt.sqrt(v)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

    # ---- PARAMETERS ----

    m_explained_variance = pt.var(m_predicted, ddof=1)
    y_explained_variance = pt.var(y_predicted, ddof=1)
    y_total_variance = y_explained_variance + v
    # indirect = b1*b4;
    indirect = pm.Deterministic("indirect", b1 * b4)
    # ratio = y.totalvar / m.coefvar;
    ratio = pm.Deterministic("ratio", y_total_variance / m_explained_variance)

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
