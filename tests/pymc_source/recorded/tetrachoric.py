# PyMC version, written by blimp2pymc.

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

# The data; 30 rows are analysed. A DataFrame called `data` may be provided instead of the file.
if "data" not in globals():
    # fmt: off
    data = pd.DataFrame({
        "w": [-0.65, -0.17, 1.66, 0.66, -1.64, -0.01, -0.62, 0.15, -1.61, 0.24, 0.24, 1.58, 0.32, 0.51, -1.49, 2.25,
            -1.92, 1.1, -0.33, -0.88, -0.66, -0.67, 0.38, -0.11, 1.48, -1.83, 0, -0.89, 0.78, -2.12],
        "a": [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, np.nan, np.nan, 1, 0, np.nan, 1, 0, np.nan,
            np.nan, 0],
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
    })
    # fmt: on

w = data["w"].to_numpy(float)
a_category = data["a"].fillna(-1).to_numpy(int)
b_category = data["b"].fillna(-1).to_numpy(int)
a_is_missing = data["a"].isna().to_numpy()
a_lowest = np.where(a_is_missing, 0, a_category)
a_highest = np.where(a_is_missing, 1, a_category)
b_is_missing = data["b"].isna().to_numpy()

coords = {
    "row": data.index,
    "a_observed_row": data.index[~a_is_missing],
    "a_term": ["w"],
    "b_observed_row": data.index[~b_is_missing],
    "b_term": ["w"],
}

with pm.Model(coords=coords) as model:
    # a ~~ b@r;
    a_sd = 1
    b_sd = 1
    r = pm.Uniform("r", lower=-1, upper=1)
    # prior of the correlations; all variances are fixed
    pm.Potential("a_b_covariance_prior", pt.log(1 - r**2))

    # a ~ w;
    a_intercept = pm.Normal("a_intercept", mu=0, sigma=np.sqrt(5))
    a_coefficient = pm.Normal("a_coefficient", mu=0, sigma=np.sqrt(5), dims="a_term")
    a_predicted = a_intercept + a_coefficient[0] * w
    pm.Bernoulli(
        "a_observed",
        p=pm.math.invprobit(a_predicted[~a_is_missing]),
        observed=a_category[~a_is_missing],
        dims="a_observed_row",
    )
    a_limits = pt.as_tensor([-np.inf, 0, np.inf])
    # of a missing cell every response is possible
    a_lower = a_limits[a_lowest] - a_predicted
    a_upper = a_limits[a_highest + 1] - a_predicted
    a_side = pt.where(a_lower > 0, -1, 1)
    a_quantile = pm.Uniform("a_quantile", dims="row")
    a_below = pm.math.invprobit(a_side * a_lower)
    a_above = pm.math.invprobit(a_side * a_upper)
    a_latent_residual = a_side * pm.math.probit((1 - a_quantile) * a_below + a_quantile * a_above)
    a_latent_response = pm.Deterministic("a_latent_response", a_predicted + a_latent_residual, dims="row")

    # b ~ w;
    b_intercept = pm.Normal("b_intercept", mu=0, sigma=np.sqrt(5))
    b_coefficient = pm.Normal("b_coefficient", mu=0, sigma=np.sqrt(5), dims="b_term")
    b_predicted = b_intercept + b_coefficient[0] * w
    a_residual = a_latent_response - a_predicted
    b_given_mean = b_predicted + r * b_sd / a_sd * a_residual
    b_given_sd = b_sd * pt.sqrt(1 - r**2)
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
