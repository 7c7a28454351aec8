# PyMC version, written by blimp2pymc.

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

# The data; 30 rows are analysed. A DataFrame called `data` may be provided instead of the file.
if "data" not in globals():
    # fmt: off
    data = pd.DataFrame({
        "y": [3.55, 4.18, 2.34, 5.92, 3.01, 4.24, 1.57, 2.06, 0.52, 2.09, 6.49, np.nan, 0.31, 5.91, 0.8, 3.13, 2.49,
            np.nan, 4.51, 0.72, 3.64, 5.29, np.nan, 4.38, 0.87, 6.48, 1.02, np.nan, 0.43, -0.7],
        "w": [-0.65, -0.17, 1.66, 0.66, -1.64, -0.01, -0.62, 0.15, -1.61, 0.24, 0.24, 1.58, 0.32, 0.51, -1.49, 2.25,
            -1.92, 1.1, -0.33, -0.88, -0.66, -0.67, 0.38, -0.11, 1.48, -1.83, 0, -0.89, 0.78, -2.12],
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
        "g": [1, 1, np.nan, 5, 1, 5, 5, 1, 5, 2, 2, np.nan, 1, 2, 5, 5, 1, 2, 2, 1, 2, 2, np.nan, 1, 2, 2, 1, 5,
            np.nan, 5],
        "c": [0, 1, 9, np.nan, 0, np.nan, np.nan, 3, 1, 1, 1, 0, 0, np.nan, 0, np.nan, 2, 5, 2, 2, 0, np.nan, 2, 5,
            2, 1, np.nan, np.nan, 2, np.nan],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
w = data["w"].to_numpy(float)
b_category_data = data["b"].fillna(-1).to_numpy(int)
g_category_data = data["g"].map({1: 0, 2: 1, 5: 2}).fillna(-1).to_numpy(int)
c_data = data["c"].fillna(-1).to_numpy(int)
y_is_missing = np.isnan(y_data)
b_is_missing = data["b"].isna().to_numpy()
g_is_missing = data["g"].isna().to_numpy()
c_is_missing = data["c"].isna().to_numpy()

coords = {
    "b_missing_row": data.index[b_is_missing],
    "b_observed_row": data.index[~b_is_missing],
    "b_1_term": ["w"],
    "g_missing_row": data.index[g_is_missing],
    "g_observed_row": data.index[~g_is_missing],
    "g_2_term": ["w", "b"],
    "g_5_term": ["w", "b"],
    "c_missing_row": data.index[c_is_missing],
    "c_observed_row": data.index[~c_is_missing],
    "c_term": ["g.2", "g.5", "w"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["b", "c", "g.2", "g.5", "w", "b*c", "c^2"],
}

with pm.Model(coords=coords) as model:
    # logit(b) ~ w;
    b_1_intercept = pm.Normal("b_1_intercept", mu=0, sigma=np.sqrt(5))
    b_1_coefficient = pm.Normal("b_1_coefficient", mu=0, sigma=np.sqrt(5), dims="b_1_term")
    b_1_predicted = b_1_intercept + b_1_coefficient[0] * w
    b_missing = pm.Bernoulli("b_missing", logit_p=b_1_predicted[b_is_missing], dims="b_missing_row")
    pm.Bernoulli(
        "b_observed",
        logit_p=b_1_predicted[~b_is_missing],
        observed=b_category_data[~b_is_missing],
        dims="b_observed_row",
    )
    b = pt.set_subtensor(pt.as_tensor(b_category_data)[b_is_missing], b_missing)

    # g ~ w b;
    # g.2 ~ Intercept w b
    g_2_intercept = pm.Normal("g_2_intercept", mu=0, sigma=np.sqrt(5))
    g_2_coefficient = pm.Normal("g_2_coefficient", mu=0, sigma=np.sqrt(5), dims="g_2_term")
    g_2_predicted = g_2_intercept + g_2_coefficient[0] * w + g_2_coefficient[1] * b

    # g.5 ~ Intercept w b
    g_5_intercept = pm.Normal("g_5_intercept", mu=0, sigma=np.sqrt(5))
    g_5_coefficient = pm.Normal("g_5_coefficient", mu=0, sigma=np.sqrt(5), dims="g_5_term")
    g_5_predicted = g_5_intercept + g_5_coefficient[0] * w + g_5_coefficient[1] * b
    g_logit = pt.stack([pt.zeros(len(data)), g_2_predicted, g_5_predicted], axis=-1)
    g_missing = pm.Categorical("g_missing", logit_p=g_logit[g_is_missing], dims="g_missing_row")
    pm.Categorical(
        "g_observed", logit_p=g_logit[~g_is_missing], observed=g_category_data[~g_is_missing], dims="g_observed_row"
    )
    g_category = pt.set_subtensor(pt.as_tensor(g_category_data)[g_is_missing], g_missing)
    g_2 = pt.eq(g_category, 1).astype(float)
    g_5 = pt.eq(g_category, 2).astype(float)

    # c ~ g w;
    c_intercept = pm.Normal("c_intercept", mu=0, sigma=np.sqrt(5))
    c_coefficient = pm.Normal("c_coefficient", mu=0, sigma=np.sqrt(5), dims="c_term")
    c_dispersion = pm.HalfFlat("c_dispersion")
    c_predicted = c_intercept + c_coefficient[0] * g_2 + c_coefficient[1] * g_5 + c_coefficient[2] * w
    c_missing = pm.NegativeBinomial(
        "c_missing", mu=pt.exp(c_predicted[c_is_missing]), alpha=1 / c_dispersion, dims="c_missing_row"
    )
    pm.NegativeBinomial(
        "c_observed",
        mu=pt.exp(c_predicted[~c_is_missing]),
        alpha=1 / c_dispersion,
        observed=c_data[~c_is_missing],
        dims="c_observed_row",
    )
    c = pt.set_subtensor(pt.as_tensor(c_data)[c_is_missing], c_missing)

    # mean of c, from its completed values alone (it is centered and an outcome)
    c_mean_variance = pm.InverseGamma("c_mean_variance", alpha=15.5, beta=0.5 + pt.sum((c - pt.mean(c)) ** 2) / 2)
    c_mean = pm.Normal("c_mean", pt.mean(c), pt.sqrt(c_mean_variance / 30))

    # y ~ b c g b*c (c^2) w;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept
        + y_coefficient[0] * b
        + y_coefficient[1] * (c - c_mean)
        + y_coefficient[2] * g_2
        + y_coefficient[3] * g_5
        + y_coefficient[4] * w
        + y_coefficient[5] * b * (c - c_mean)
        + y_coefficient[6] * (c - c_mean) ** 2
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
