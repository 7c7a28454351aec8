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
        "x": [-0.34, 0.21, -1.48, 0.99, 0.18, 1.01, 0.96, -0.98, -0.8, -0.2, 0.75, 0.85, -0.71, -0.61, -0.8, np.nan,
            -0.24, -0.13, 2.06, -0.51, -0.29, 0.46, -0.95, -0.37, 0.01, 0.77, -1.32, 1.37, -0.35, 0.17],
        "w": [-0.65, -0.17, 1.66, 0.66, -1.64, -0.01, -0.62, 0.15, -1.61, 0.24, 0.24, 1.58, 0.32, 0.51, -1.49, 2.25,
            -1.92, 1.1, -0.33, -0.88, -0.66, -0.67, 0.38, -0.11, 1.48, -1.83, 0, -0.89, 0.78, -2.12],
        "o": [3, 4, np.nan, 4, 3, 4, np.nan, 3, 1, 1, 4, 3, 1, 4, 1, 3, 1, 2, 2, np.nan, 1, 3, 3, 4, 1, 4, 1, 4,
            np.nan, 1],
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
x_data = data["x"].to_numpy(float)
w = data["w"].to_numpy(float)
o_category_data = data["o"].map({1: 0, 2: 1, 3: 2, 4: 3}).fillna(-1).to_numpy(int)
b_category_data = data["b"].fillna(-1).to_numpy(int)
y_is_missing = np.isnan(y_data)
x_is_missing = np.isnan(x_data)
o_is_missing = data["o"].isna().to_numpy()
b_is_missing = data["b"].isna().to_numpy()
w_observed_mean = w.mean()

coords = {
    "row": data.index,
    "x_missing_row": data.index[x_is_missing],
    "x_observed_row": data.index[~x_is_missing],
    "x_term": ["w"],
    "o_missing_row": data.index[o_is_missing],
    "o_observed_row": data.index[~o_is_missing],
    "o_term": ["w", "x"],
    "o_cut": ["Tau 2", "Tau 3"],
    "b_missing_row": data.index[b_is_missing],
    "b_observed_row": data.index[~b_is_missing],
    "b_term": ["w", "x", "o.latent"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["o", "b", "x", "w", "o*w"],
}

with pm.Model(coords=coords) as model:
    # ---- predictors ----

    # x ~ Intercept w
    x_mean = pm.Flat("x_mean", initval=np.nanmean(x_data))
    x_coefficient = pm.Flat("x_coefficient", dims="x_term")
    x_residual_variance = pm.HalfFlat("x_residual_variance", initval=np.nanvar(x_data))
    pm.Potential("x_residual_variance_prior", -0.5 / x_residual_variance)
    x_predicted = x_mean + x_coefficient[0] * (w - w_observed_mean)
    x_sd = pt.sqrt(x_residual_variance)
    x_missing = pm.Normal("x_missing", x_predicted[x_is_missing], x_sd, dims="x_missing_row")
    pm.Normal("x_observed", x_predicted[~x_is_missing], x_sd, observed=x_data[~x_is_missing], dims="x_observed_row")
    x = pt.set_subtensor(pt.as_tensor(x_data)[x_is_missing], x_missing)

    # o ~ Intercept w x
    o_mean = pm.Normal("o_mean", mu=0, sigma=np.sqrt(5))
    o_coefficient = pm.Normal("o_coefficient", mu=0, sigma=np.sqrt(5), dims="o_term")
    o_threshold = pm.HalfFlat(
        "o_threshold", transform=pm.distributions.transforms.ordered, initval=np.arange(1, 3), dims="o_cut"
    )
    o_predicted = o_mean + o_coefficient[0] * (w - w_observed_mean) + o_coefficient[1] * (x - x_mean)
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
    o_limits = pt.concatenate([[-np.inf], o_cutpoints, [np.inf]])
    o_lower = o_limits[o_category] - o_predicted
    o_upper = o_limits[o_category + 1] - o_predicted
    o_side = pt.where(o_lower > 0, -1, 1)
    o_quantile = pm.Uniform("o_quantile", dims="row")
    o_below = pm.math.invprobit(o_side * o_lower)
    o_above = pm.math.invprobit(o_side * o_upper)
    o_latent_residual = o_side * pm.math.probit((1 - o_quantile) * o_below + o_quantile * o_above)
    o_latent_response = pm.Deterministic("o_latent_response", o_predicted + o_latent_residual, dims="row")
    o_latent_variance = o_coefficient[1] ** 2 * x_residual_variance + 1
    o_expected_score = (
        1
        + pm.math.invprobit(o_mean / pt.sqrt(o_latent_variance))
        + pm.math.invprobit((o_mean - o_threshold[0]) / pt.sqrt(o_latent_variance))
        + pm.math.invprobit((o_mean - o_threshold[1]) / pt.sqrt(o_latent_variance))
    )

    # b ~ Intercept w x o.latent
    b_mean = pm.Normal("b_mean", mu=0, sigma=np.sqrt(5))
    b_coefficient = pm.Normal("b_coefficient", mu=0, sigma=np.sqrt(5), dims="b_term")
    b_predicted = (
        b_mean
        + b_coefficient[0] * (w - w_observed_mean)
        + b_coefficient[1] * (x - x_mean)
        + b_coefficient[2] * (o_latent_response - o_mean)
    )
    b_missing = pm.Bernoulli("b_missing", p=pm.math.invprobit(b_predicted[b_is_missing]), dims="b_missing_row")
    pm.Bernoulli(
        "b_observed",
        p=pm.math.invprobit(b_predicted[~b_is_missing]),
        observed=b_category_data[~b_is_missing],
        dims="b_observed_row",
    )
    b = pt.set_subtensor(pt.as_tensor(b_category_data)[b_is_missing], b_missing)
    b_latent_variance = (
        (b_coefficient[1] + b_coefficient[2] * o_coefficient[1]) ** 2 * x_residual_variance + b_coefficient[2] ** 2 + 1
    )
    b_expected_score = pm.math.invprobit(b_mean / pt.sqrt(b_latent_variance))

    # ---- outcomes ----

    # y ~ o b x w o*w;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept
        + y_coefficient[0] * (o - o_expected_score)
        + y_coefficient[1] * (b - b_expected_score)
        + y_coefficient[2] * x
        + y_coefficient[3] * w
        + y_coefficient[4] * (o - o_expected_score) * w
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
