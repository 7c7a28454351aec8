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
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
w = data["w"].to_numpy(float)
o_category = data["o"].map({1: 0, 2: 1, 3: 2, 4: 3}).fillna(-1).to_numpy(int)
b_category = data["b"].fillna(-1).to_numpy(int)
y_is_missing = np.isnan(y_data)
o_is_missing = data["o"].isna().to_numpy()
o_lowest = np.where(o_is_missing, 0, o_category)
o_highest = np.where(o_is_missing, 3, o_category)
b_is_missing = data["b"].isna().to_numpy()

coords = {
    "row": data.index,
    "o_observed_row": data.index[~o_is_missing],
    "o_term": ["w"],
    "o_cut": ["Tau 2", "Tau 3"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["w"],
    "b_observed_row": data.index[~b_is_missing],
    "b_term": ["w"],
    "o_y_b_pair": ["o ~~ y", "o ~~ b", "y ~~ b"],
}

with pm.Model(coords=coords) as model:
    # o y b ~~ o y b;
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    o_sd = 1
    y_sd = pt.sqrt(y_residual_variance)
    b_sd = 1
    o_y_b_correlation = pm.Uniform("o_y_b_correlation", lower=-1, upper=1, initval=np.zeros(3), dims="o_y_b_pair")
    o_y_b_correlation_matrix = pt.stack(
        [
            pt.stack([1, o_y_b_correlation[0], o_y_b_correlation[1]]),
            pt.stack([o_y_b_correlation[0], 1, o_y_b_correlation[2]]),
            pt.stack([o_y_b_correlation[1], o_y_b_correlation[2], 1]),
        ]
    )
    # not a number, hence of no density, where the matrix is not positive definite
    o_y_b_correlation_cholesky = pt.linalg.cholesky(o_y_b_correlation_matrix)

    # o ~ w;
    o_intercept = pm.Normal("o_intercept", mu=0, sigma=np.sqrt(5))
    o_coefficient = pm.Normal("o_coefficient", mu=0, sigma=np.sqrt(5), dims="o_term")
    o_threshold = pm.HalfFlat(
        "o_threshold", transform=pm.distributions.transforms.ordered, initval=np.arange(1, 3), dims="o_cut"
    )
    o_predicted = o_intercept + o_coefficient[0] * w
    o_cutpoints = pt.concatenate([[0], o_threshold])
    pm.OrderedProbit(
        "o_observed",
        eta=o_predicted[~o_is_missing],
        cutpoints=o_cutpoints,
        compute_p=False,
        observed=o_category[~o_is_missing],
        dims="o_observed_row",
    )
    o_limits = pt.concatenate([[-np.inf], o_cutpoints, [np.inf]])
    # of a missing cell every response is possible
    o_lower = o_limits[o_lowest] - o_predicted
    o_upper = o_limits[o_highest + 1] - o_predicted
    o_side = pt.where(o_lower > 0, -1, 1)
    o_quantile = pm.Uniform("o_quantile", dims="row")
    o_below = pm.math.invprobit(o_side * o_lower)
    o_above = pm.math.invprobit(o_side * o_upper)
    o_latent_residual = o_side * pm.math.probit((1 - o_quantile) * o_below + o_quantile * o_above)
    o_latent_response = pm.Deterministic("o_latent_response", o_predicted + o_latent_residual, dims="row")
    o_z = o_latent_response - o_predicted

    # y ~ w;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_predicted = y_intercept + y_coefficient[0] * w
    y_given_mean = y_predicted + y_sd * o_y_b_correlation_cholesky[1, 0] * o_z
    y_given_sd = y_sd * o_y_b_correlation_cholesky[1, 1]
    y_missing = pm.Normal("y_missing", y_given_mean[y_is_missing], y_given_sd, dims="y_missing_row")
    pm.Normal(
        "y_observed", y_given_mean[~y_is_missing], y_given_sd, observed=y_data[~y_is_missing], dims="y_observed_row"
    )
    y = pt.set_subtensor(pt.as_tensor(y_data)[y_is_missing], y_missing)
    y_z = (y - y_given_mean) / y_given_sd

    # b ~ w;
    b_intercept = pm.Normal("b_intercept", mu=0, sigma=np.sqrt(5))
    b_coefficient = pm.Normal("b_coefficient", mu=0, sigma=np.sqrt(5), dims="b_term")
    b_predicted = b_intercept + b_coefficient[0] * w
    b_given_mean = (
        b_predicted + b_sd * o_y_b_correlation_cholesky[2, 0] * o_z + b_sd * o_y_b_correlation_cholesky[2, 1] * y_z
    )
    b_given_sd = b_sd * o_y_b_correlation_cholesky[2, 2]
    pm.Bernoulli(
        "b_observed",
        p=pm.math.invprobit(b_given_mean[~b_is_missing] / b_given_sd),
        observed=b_category[~b_is_missing],
        dims="b_observed_row",
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
