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
x3_transformed_data = 1 / (x3_data + 20)
x2_transformed_data = 3 - x2_data
x1_transformed_data = np.log(x1_data + 20)
m_transformed_data = np.sqrt(m_data + 20)
y_transformed_data = np.exp(y_data / 4)

coords = {
    "row": data.index,
    "x3_missing_row": data.index[x3_is_missing],
    "x3_observed_row": data.index[~x3_is_missing],
    "x3_term": ["d"],
    "x2_missing_row": data.index[x2_is_missing],
    "x2_observed_row": data.index[~x2_is_missing],
    "x2_term": ["d"],
    "x1_missing_row": data.index[x1_is_missing],
    "x1_observed_row": data.index[~x1_is_missing],
    "x1_term": ["w"],
    "m_missing_row": data.index[m_is_missing],
    "m_observed_row": data.index[~m_is_missing],
    "m_term": ["w"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["x1", "d", "m"],
    "y_log_variance_term": ["d"],
}

with pm.Model(coords=coords) as model:
    # 1/(x3+20) ~ d;
    x3_intercept = pm.Flat("x3_intercept")
    x3_coefficient = pm.Flat("x3_coefficient", dims="x3_term")
    x3_residual_variance = pm.HalfFlat("x3_residual_variance")
    x3_predicted = x3_intercept + x3_coefficient[0] * d
    x3_sd = pt.sqrt(x3_residual_variance)
    x3_transformed_missing = pm.TruncatedNormal(
        "x3_transformed_missing", x3_predicted[x3_is_missing], x3_sd, lower=0, dims="x3_missing_row"
    )
    x3_missing = pm.Deterministic("x3_missing", 1 / x3_transformed_missing - 20, dims="x3_missing_row")
    pm.Normal(
        "x3_observed",
        x3_predicted[~x3_is_missing],
        x3_sd,
        observed=x3_transformed_data[~x3_is_missing],
        dims="x3_observed_row",
    )

    # x2 ~~ w;
    x2_residual_variance = pm.HalfFlat("x2_residual_variance")
    w_residual_variance = pm.HalfFlat("w_residual_variance", initval=np.var(w))
    x2_sd = pt.sqrt(x2_residual_variance)
    w_sd = pt.sqrt(w_residual_variance)
    x2_w_correlation = pm.Uniform("x2_w_correlation", lower=-1, upper=1)
    # flat prior of the covariance matrix, for variances and correlations
    pm.Potential("x2_w_covariance_prior", 0.5 * (pt.log(x2_residual_variance) + pt.log(w_residual_variance)))

    # (3 - x2) ~ d;
    x2_intercept = pm.Flat("x2_intercept")
    x2_coefficient = pm.Flat("x2_coefficient", dims="x2_term")
    x2_predicted = x2_intercept + x2_coefficient[0] * d
    x2_transformed_missing = pm.Normal(
        "x2_transformed_missing", x2_predicted[x2_is_missing], x2_sd, dims="x2_missing_row"
    )
    x2_missing = pm.Deterministic("x2_missing", 3 - x2_transformed_missing, dims="x2_missing_row")
    pm.Normal(
        "x2_observed",
        x2_predicted[~x2_is_missing],
        x2_sd,
        observed=x2_transformed_data[~x2_is_missing],
        dims="x2_observed_row",
    )
    x2_transformed = pt.where(x2_is_missing, x2_transformed_missing[np.cumsum(x2_is_missing) - 1], x2_transformed_data)

    # w ~ Intercept
    w_intercept = pm.Flat("w_intercept", initval=np.mean(w))
    x2_residual = x2_transformed - x2_predicted
    w_given_mean = w_intercept + x2_w_correlation * w_sd / x2_sd * x2_residual
    w_given_sd = w_sd * pt.sqrt(1 - x2_w_correlation**2)
    pm.Normal("w", w_given_mean, w_given_sd, observed=w, dims="row")

    # ln(x1+20) ~ w;
    x1_intercept = pm.Flat("x1_intercept")
    x1_coefficient = pm.Flat("x1_coefficient", dims="x1_term")
    x1_residual_variance = pm.HalfFlat("x1_residual_variance")
    x1_predicted = x1_intercept + x1_coefficient[0] * w
    x1_sd = pt.sqrt(x1_residual_variance)
    x1_transformed_missing = pm.Normal(
        "x1_transformed_missing", x1_predicted[x1_is_missing], x1_sd, dims="x1_missing_row"
    )
    x1_missing = pm.Deterministic("x1_missing", pt.exp(x1_transformed_missing) - 20, dims="x1_missing_row")
    pm.Normal(
        "x1_observed",
        x1_predicted[~x1_is_missing],
        x1_sd,
        observed=x1_transformed_data[~x1_is_missing],
        dims="x1_observed_row",
    )
    x1 = pt.where(x1_is_missing, x1_missing[np.cumsum(x1_is_missing) - 1], x1_data)

    # sqrt(m+20) ~ w;
    m_intercept = pm.Flat("m_intercept")
    m_coefficient = pm.Flat("m_coefficient", dims="m_term")
    m_residual_variance = pm.HalfFlat("m_residual_variance")
    m_predicted = m_intercept + m_coefficient[0] * w
    m_sd = pt.sqrt(m_residual_variance)
    m_transformed_missing = pm.HalfFlat("m_transformed_missing", dims="m_missing_row")
    pm.Potential("m_missing_density", pm.logp(pm.Normal.dist(m_predicted[m_is_missing], m_sd), m_transformed_missing))
    m_missing = pm.Deterministic("m_missing", m_transformed_missing**2 - 20, dims="m_missing_row")
    pm.Normal(
        "m_observed",
        m_predicted[~m_is_missing],
        m_sd,
        observed=m_transformed_data[~m_is_missing],
        dims="m_observed_row",
    )
    m = pt.where(m_is_missing, m_missing[np.cumsum(m_is_missing) - 1], m_data)

    # mean of x1, from its completed values alone (it is centered and an outcome)
    x1_mean_variance = pm.InverseGamma("x1_mean_variance", alpha=20.5, beta=0.5 + pt.sum((x1 - pt.mean(x1)) ** 2) / 2)
    x1_mean = pm.Normal("x1_mean", pt.mean(x1), pt.sqrt(x1_mean_variance / 40))

    # exp(y/4) ~ x1 d m;
    # var(y) ~ d;
    y_intercept = pm.Flat("y_intercept")
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_log_variance_intercept = pm.Flat("y_log_variance_intercept", initval=np.log(np.nanvar(y_data)))
    y_log_variance_coefficient = pm.Flat("y_log_variance_coefficient", dims="y_log_variance_term")
    y_predicted = y_intercept + y_coefficient[0] * (x1 - x1_mean) + y_coefficient[1] * d + y_coefficient[2] * m
    y_log_variance = y_log_variance_intercept + y_log_variance_coefficient[0] * d
    y_sd = pt.exp(y_log_variance / 2)
    y_transformed_missing = pm.TruncatedNormal(
        "y_transformed_missing", y_predicted[y_is_missing], y_sd[y_is_missing], lower=0, dims="y_missing_row"
    )
    y_missing = pm.Deterministic("y_missing", pt.log(y_transformed_missing) * 4, dims="y_missing_row")
    pm.Normal(
        "y_observed",
        y_predicted[~y_is_missing],
        y_sd[~y_is_missing],
        observed=y_transformed_data[~y_is_missing],
        dims="y_observed_row",
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
