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
        "x2": [3.43, -0.4, 1.88, 1.19, 2.35, 3.15, 3.58, 1.6, 2.07, 2.3, 4.15, 2.19, 2.87, 0.76, 1.49, np.nan,
            np.nan, np.nan, np.nan, 1.79, 2.89, 1.79, 1.15, 2.6, np.nan, 2.29, 1.31, 0.93, 0.67, 3.04, 2.86, 3.07,
            3.21, 2.63, 1.14, 0.27, 0.53, 2.33, 0.21, 1.46],
        "x3": [np.nan, -0.55, np.nan, 0.1, 0.13, 1.09, 0.33, np.nan, -2.28, 1.26, -0.27, -0.19, np.nan, 1.33, 1.25,
            np.nan, np.nan, -0.64, 0.26, 1.37, np.nan, 2.7, 1.38, 2.27, -0.35, np.nan, 0.56, 1.15, np.nan, 0.68,
            -0.06, 2.32, -0.12, 1.66, np.nan, -0.42, -0.82, -0.74, -0.12, 1.44],
        "w": [2.04, -2.56, 0.42, -0.57, -0.45, -0.22, -2.02, -0.23, -0.87, 3.32, 0.23, -0.35, -0.28, -0.67, -1.06,
            -0.39, 0.48, -0.24, 0.96, -0.2, 0.02, 1.55, 0.55, -0.51, -0.18, 0.54, 1.94, -0.27, -0.24, 1, -0.89,
            -0.29, 0.88, 0.58, 0.09, 0.67, -2.83, 1.02, -0.96, -1.67],
        "d": [1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0,
            0, 0, 0, 0, 1, 0],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
m_data = data["m"].to_numpy(float)
x1_data = data["x1"].to_numpy(float)
x2_data = data["x2"].to_numpy(float)
x3_data = data["x3"].to_numpy(float)
w = data["w"].to_numpy(float)
d = data["d"].to_numpy(float)
y_is_missing = np.isnan(y_data)
m_is_missing = np.isnan(m_data)
x1_is_missing = np.isnan(x1_data)
x2_is_missing = np.isnan(x2_data)
x3_is_missing = np.isnan(x3_data)

coords = {
    "row": data.index,
    "m_missing_row": data.index[m_is_missing],
    "m_observed_row": data.index[~m_is_missing],
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "x1_term": ["d"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["d"],
    "y_log_variance_term": ["x1", "d"],
    "f_term": ["w"],
    "f_log_variance_term": ["d"],
    "x2_missing_row": data.index[x2_is_missing],
    "x2_observed_row": data.index[~x2_is_missing],
    "x3_missing_row": data.index[x3_is_missing],
    "x3_observed_row": data.index[~x3_is_missing],
    "x3_term": ["f"],
    "x1_y_w_pair": ["x1 ~~ w", "y ~~ w"],
}

with pm.Model(coords=coords) as model:
    # f ~~ m;
    m_residual_variance = pm.HalfFlat("m_residual_variance", initval=np.nanvar(m_data))
    m_sd = pt.sqrt(m_residual_variance)
    m_f_correlation = pm.Uniform("m_f_correlation", lower=-1, upper=1)

    # m ~ Intercept
    m_intercept = pm.Flat("m_intercept", initval=np.nanmean(m_data))
    m_missing = pm.Normal("m_missing", m_intercept, m_sd, dims="m_missing_row")
    pm.Normal("m_observed", m_intercept, m_sd, observed=m_data[~m_is_missing], dims="m_observed_row")
    m = pt.set_subtensor(pt.as_tensor(m_data)[m_is_missing], m_missing)

    # y ~~ x1@r;
    # y ~~ w;
    # x1 ~~ w;
    x1_residual_variance = pm.HalfFlat("x1_residual_variance", initval=np.nanvar(x1_data))
    w_residual_variance = pm.HalfFlat("w_residual_variance", initval=np.var(w))
    x1_sd = pt.sqrt(x1_residual_variance)
    w_sd = pt.sqrt(w_residual_variance)
    # r ~ truncate(-.8, .8);
    r = pm.Uniform("r", lower=-0.8, upper=0.8)
    x1_y_w_correlation = pm.Uniform("x1_y_w_correlation", lower=-1, upper=1, initval=np.zeros(2), dims="x1_y_w_pair")
    x1_y_w_correlation_matrix = pt.stack(
        [
            pt.stack([1, r, x1_y_w_correlation[0]]),
            pt.stack([r, 1, x1_y_w_correlation[1]]),
            pt.stack([x1_y_w_correlation[0], x1_y_w_correlation[1], 1]),
        ]
    )
    # not a number, hence of no density, where the matrix is not positive definite
    x1_y_w_correlation_cholesky = pt.linalg.cholesky(x1_y_w_correlation_matrix)

    # x1 ~ d;
    x1_intercept = pm.Flat("x1_intercept", initval=np.nanmean(x1_data))
    x1_coefficient = pm.Flat("x1_coefficient", dims="x1_term")
    x1_predicted = x1_intercept + x1_coefficient[0] * d
    x1_missing = pm.Normal("x1_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row")
    pm.Normal(
        "x1_observed", x1_predicted[~x1_is_missing], x1_sd, observed=x1_data[~x1_is_missing], dims="x1_observed_row"
    )
    x1 = pt.set_subtensor(pt.as_tensor(x1_data)[x1_is_missing], x1_missing)
    x1_z = (x1 - x1_predicted) / x1_sd

    # y ~ d;
    # var(y) ~ x1 d;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_log_variance_intercept = pm.Flat("y_log_variance_intercept", initval=np.log(np.nanvar(y_data)))
    y_log_variance_coefficient = pm.Flat("y_log_variance_coefficient", dims="y_log_variance_term")
    y_predicted = y_intercept + y_coefficient[0] * d
    y_log_variance = y_log_variance_intercept + y_log_variance_coefficient[0] * x1 + y_log_variance_coefficient[1] * d
    y_sd = pt.exp(y_log_variance / 2)
    y_given_mean = y_predicted + y_sd * x1_y_w_correlation_cholesky[1, 0] * x1_z
    y_given_sd = y_sd * x1_y_w_correlation_cholesky[1, 1]
    y_missing = pm.Normal("y_missing", y_given_mean[y_is_missing], y_given_sd[y_is_missing], dims="y_missing_row")
    pm.Normal(
        "y_observed",
        y_given_mean[~y_is_missing],
        y_given_sd[~y_is_missing],
        observed=y_data[~y_is_missing],
        dims="y_observed_row",
    )
    y = pt.set_subtensor(pt.as_tensor(y_data)[y_is_missing], y_missing)
    y_z = (y - y_given_mean) / y_given_sd

    # w ~ 1;
    w_intercept = pm.Flat("w_intercept", initval=np.mean(w))
    w_given_mean = (
        w_intercept + w_sd * x1_y_w_correlation_cholesky[2, 0] * x1_z + w_sd * x1_y_w_correlation_cholesky[2, 1] * y_z
    )
    w_given_sd = w_sd * x1_y_w_correlation_cholesky[2, 2]
    pm.Normal("w", w_given_mean, w_given_sd, observed=w, dims="row")

    # f ~ w;
    # var(f) ~ 1@0 d;
    f_coefficient = pm.Flat("f_coefficient", dims="f_term")
    f_log_variance_coefficient = pm.Flat("f_log_variance_coefficient", dims="f_log_variance_term")
    f_predicted = f_coefficient[0] * w
    f_log_variance = f_log_variance_coefficient[0] * d
    f_sd = pt.exp(f_log_variance / 2)
    m_residual = m - m_intercept
    f_given_mean = f_predicted + m_f_correlation * f_sd / m_sd * m_residual
    f_given_sd = f_sd * pt.sqrt(1 - m_f_correlation**2)
    f = pm.Normal("f", f_given_mean, f_given_sd, dims="row")

    # f -> x2 x3;
    # x2 ~ Intercept f@1
    x2_intercept = pm.Flat("x2_intercept", initval=np.nanmean(x2_data))
    x2_residual_variance = pm.HalfFlat("x2_residual_variance", initval=np.nanvar(x2_data))
    x2_predicted = x2_intercept + f
    x2_sd = pt.sqrt(x2_residual_variance)
    x2_missing = pm.Normal("x2_missing", x2_predicted[x2_is_missing], x2_sd, dims="x2_missing_row")
    pm.Normal(
        "x2_observed", x2_predicted[~x2_is_missing], x2_sd, observed=x2_data[~x2_is_missing], dims="x2_observed_row"
    )

    # x3 ~ Intercept f
    x3_intercept = pm.Flat("x3_intercept", initval=np.nanmean(x3_data))
    x3_coefficient = pm.Flat("x3_coefficient", dims="x3_term")
    x3_residual_variance = pm.HalfFlat("x3_residual_variance", initval=np.nanvar(x3_data))
    x3_predicted = x3_intercept + x3_coefficient[0] * f
    x3_sd = pt.sqrt(x3_residual_variance)
    x3_missing = pm.Normal("x3_missing", x3_predicted[x3_is_missing], x3_sd, dims="x3_missing_row")
    pm.Normal(
        "x3_observed", x3_predicted[~x3_is_missing], x3_sd, observed=x3_data[~x3_is_missing], dims="x3_observed_row"
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
