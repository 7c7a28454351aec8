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
        "k": [0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1],
        "u": [5, 5, 3, 2, 2, 5, 5, 5, 5, 2, 5, 2, 5, 2, 2, 5, 2, 3, 3, 3, 2, 3, 2, 3, 3, 3, 3, 2, 2, 5],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
w = data["w"].to_numpy(float)
k_category = data["k"].to_numpy(int)
k = data["k"].to_numpy(float)
u_category = data["u"].map({2: 0, 3: 1, 5: 2}).to_numpy(int)
u = data["u"].to_numpy(float)
y_is_missing = np.isnan(y_data)

coords = {
    "row": data.index,
    "k_term": ["w"],
    "u_term": ["k"],
    "u_cut": ["Tau 2"],
    "u_mean_cut": ["Tau 2"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["k", "u"],
}

with pm.Model(coords=coords) as model:
    # k ~ w;
    k_intercept = pm.Normal("k_intercept", mu=0, sigma=np.sqrt(5))
    k_coefficient = pm.Normal("k_coefficient", mu=0, sigma=np.sqrt(5), dims="k_term")
    k_predicted = k_intercept + k_coefficient[0] * w
    pm.Bernoulli("k", p=pm.math.invprobit(k_predicted), observed=k_category, dims="row")

    # mean of k, from its completed values alone (it is centered and an outcome)
    k_mean = pm.Normal("k_mean", mu=0, sigma=np.sqrt(5))
    pm.Bernoulli("k_mean_observed", p=pm.math.invprobit(k_mean), observed=k_category, dims="row")
    k_expected_score = pm.math.invprobit(k_mean)

    # u ~ k;
    u_intercept = pm.Normal("u_intercept", mu=0, sigma=np.sqrt(5))
    u_coefficient = pm.Normal("u_coefficient", mu=0, sigma=np.sqrt(5), dims="u_term")
    u_threshold = pm.HalfFlat("u_threshold", dims="u_cut")
    u_predicted = u_intercept + u_coefficient[0] * (k - k_expected_score)
    u_cutpoints = pt.concatenate([[0], u_threshold])
    pm.OrderedProbit("u", eta=u_predicted, cutpoints=u_cutpoints, compute_p=False, observed=u_category, dims="row")

    # mean of u, from its completed values alone (it is centered and an outcome)
    u_mean = pm.Normal("u_mean", mu=0, sigma=np.sqrt(5))
    u_mean_threshold = pm.HalfFlat("u_mean_threshold", dims="u_mean_cut")
    u_mean_cutpoints = pt.concatenate([[0], u_mean_threshold])
    pm.OrderedProbit(
        "u_mean_observed", eta=u_mean, cutpoints=u_mean_cutpoints, compute_p=False, observed=u_category, dims="row"
    )
    u_expected_score = 2 + pm.math.invprobit(u_mean) + 2 * pm.math.invprobit(u_mean - u_mean_threshold[0])

    # y ~ k u;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = y_intercept + y_coefficient[0] * (k - k_expected_score) + y_coefficient[1] * (u - u_expected_score)
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
