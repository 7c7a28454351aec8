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
        "o": [3, 4, np.nan, 4, 3, 4, np.nan, 3, 1, 1, 4, 3, 1, 4, 1, 3, 1, 2, 2, np.nan, 1, 3, 3, 4, 1, 4, 1, 4,
            np.nan, 1],
        "u": [2, 2, 2, 5, 2, 2, 3, 2, 5, 5, 2, 2, 3, 3, 2, 2, 3, 5, 3, 2, 3, 3, 2, 3, 3, 2, 2, 3, 3, 3],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
w = data["w"].to_numpy(float)
o_category_data = data["o"].map({1: 0, 2: 1, 3: 2, 4: 3}).fillna(-1).to_numpy(int)
u_category = data["u"].map({2: 0, 3: 1, 5: 2}).to_numpy(int)
u = data["u"].to_numpy(float)
y_is_missing = np.isnan(y_data)
o_is_missing = data["o"].isna().to_numpy()

coords = {
    "row": data.index,
    "o_missing_row": data.index[o_is_missing],
    "o_observed_row": data.index[~o_is_missing],
    "o_term": ["w"],
    "o_cut": ["Tau 2", "Tau 3"],
    "u_term": ["o"],
    "u_cut": ["Tau 2"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["o", "u"],
}

with pm.Model(coords=coords) as model:
    # o ~ w;
    o_intercept = pm.Normal("o_intercept", mu=0, sigma=np.sqrt(5))
    o_coefficient = pm.Normal("o_coefficient", mu=0, sigma=np.sqrt(5), dims="o_term")
    o_threshold = pm.HalfFlat(
        "o_threshold", transform=pm.distributions.transforms.ordered, initval=np.arange(1, 3), dims="o_cut"
    )
    o_predicted = o_intercept + o_coefficient[0] * w
    o_cutpoints = pt.concatenate([[0], o_threshold])
    o_missing = pm.OrderedProbit(
        "o_missing", eta=o_predicted[o_is_missing], cutpoints=o_cutpoints, compute_p=False, dims="o_missing_row"
    )
    pm.OrderedProbit(
        "o_observed",
        eta=o_predicted[~o_is_missing],
        cutpoints=o_cutpoints,
        compute_p=False,
        observed=o_category_data[~o_is_missing],
        dims="o_observed_row",
    )
    o_category = pt.set_subtensor(pt.as_tensor(o_category_data)[o_is_missing], o_missing)
    o = o_category + 1

    # mean of o, from its completed values alone (it is centered and an outcome)
    o_mean_variance = pm.InverseGamma("o_mean_variance", alpha=15.5, beta=0.5 + pt.sum((o - pt.mean(o)) ** 2) / 2)
    o_mean = pm.Normal("o_mean", pt.mean(o), pt.sqrt(o_mean_variance / 30))

    # u ~ o;
    u_intercept = pm.Normal("u_intercept", mu=0, sigma=np.sqrt(5))
    u_coefficient = pm.Normal("u_coefficient", mu=0, sigma=np.sqrt(5), dims="u_term")
    u_threshold = pm.HalfFlat("u_threshold", dims="u_cut")
    u_predicted = u_intercept + u_coefficient[0] * (o - o_mean)
    u_cutpoints = pt.concatenate([[0], u_threshold])
    pm.OrderedProbit("u", eta=u_predicted, cutpoints=u_cutpoints, compute_p=False, observed=u_category, dims="row")

    # mean of u, from its completed values alone (it is centered and an outcome)
    u_mean_variance = pm.InverseGamma("u_mean_variance", alpha=15.5, beta=0.5 + pt.sum((u - pt.mean(u)) ** 2) / 2)
    u_mean = pm.Normal("u_mean", pt.mean(u), pt.sqrt(u_mean_variance / 30))

    # y ~ o u;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = y_intercept + y_coefficient[0] * (o - o_mean) + y_coefficient[1] * (u - u_mean)
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
