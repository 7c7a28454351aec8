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
        "o": [3, 4, np.nan, 4, 3, 4, np.nan, 3, 1, 1, 4, 3, 1, 4, 1, 3, 1, 2, 2, np.nan, 1, 3, 3, 4, 1, 4, 1, 4,
            np.nan, 1],
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
        "v": [0.6, -0.01, -1.05, np.nan, -0.57, -0.08, -0.21, -1.84, 2.01, -0.29, 0.02, 1.32, -3.51, -0.34, -0.39,
            np.nan, 0.33, np.nan, 1.02, 0.61, np.nan, -1.26, -0.69, -0.27, -0.72, 0.65, -0.52, -0.78, -0.4, -1.32],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
x_data = data["x"].to_numpy(float)
o_category_data = data["o"].map({1: 0, 2: 1, 3: 2, 4: 3}).fillna(-1).to_numpy(int)
b_category_data = data["b"].fillna(-1).to_numpy(int)
v_data = data["v"].to_numpy(float)
y_is_missing = np.isnan(y_data)
x_is_missing = np.isnan(x_data)
v_is_missing = np.isnan(v_data)
o_is_missing = data["o"].isna().to_numpy()
b_is_missing = data["b"].isna().to_numpy()

coords = {
    "row": data.index,
    "x_missing_row": data.index[x_is_missing],
    "x_observed_row": data.index[~x_is_missing],
    "v_missing_row": data.index[v_is_missing],
    "v_observed_row": data.index[~v_is_missing],
    "o_missing_row": data.index[o_is_missing],
    "o_observed_row": data.index[~o_is_missing],
    "o_term": ["x", "v"],
    "o_cut": ["Tau 2", "Tau 3"],
    "b_missing_row": data.index[b_is_missing],
    "b_observed_row": data.index[~b_is_missing],
    "b_term": ["x", "v", "o.latent"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["o", "b", "x", "v", "o*b"],
}

with pm.Model(coords=coords) as model:
    # ---- predictors ----

    # predictors without an equation are jointly normal: x, v
    x_residual_variance = pm.HalfFlat("x_residual_variance", initval=np.nanvar(x_data))
    v_residual_variance = pm.HalfFlat("v_residual_variance", initval=np.nanvar(v_data))
    x_sd = pt.sqrt(x_residual_variance)
    v_sd = pt.sqrt(v_residual_variance)
    x_v_correlation = pm.Uniform("x_v_correlation", lower=-1, upper=1)
    # covariance matrix ~ inverse Wishart(S = I, df = -3)
    x_v_covariance_prior = (
        0.5 * pt.log(x_residual_variance)
        + 0.5 * pt.log(v_residual_variance)
        - 0.5 * (1 / x_residual_variance + 1 / v_residual_variance) / (1 - x_v_correlation**2)
    )
    pm.Potential("x_v_covariance_prior", x_v_covariance_prior)

    # x ~ Intercept
    x_mean = pm.Flat("x_mean", initval=np.nanmean(x_data))
    x_missing = pm.Normal("x_missing", x_mean, x_sd, dims="x_missing_row")
    pm.Normal("x_observed", x_mean, x_sd, observed=x_data[~x_is_missing], dims="x_observed_row")
    x = pt.set_subtensor(pt.as_tensor(x_data)[x_is_missing], x_missing)

    # v ~ Intercept
    v_mean = pm.Flat("v_mean", initval=np.nanmean(v_data))
    x_residual = x - x_mean
    v_given_mean = v_mean + x_v_correlation * v_sd / x_sd * x_residual
    v_given_sd = v_sd * pt.sqrt(1 - x_v_correlation**2)
    v_missing = pm.Normal("v_missing", v_given_mean[v_is_missing], v_given_sd, dims="v_missing_row")
    pm.Normal(
        "v_observed", v_given_mean[~v_is_missing], v_given_sd, observed=v_data[~v_is_missing], dims="v_observed_row"
    )
    v = pt.set_subtensor(pt.as_tensor(v_data)[v_is_missing], v_missing)

    # o ~ Intercept x v
    o_mean = pm.Normal("o_mean", mu=0, sigma=np.sqrt(5))
    o_coefficient = pm.Normal("o_coefficient", mu=0, sigma=np.sqrt(5), dims="o_term")
    o_threshold = pm.HalfFlat(
        "o_threshold", transform=pm.distributions.transforms.ordered, initval=np.arange(1, 3), dims="o_cut"
    )
    o_predicted = o_mean + o_coefficient[0] * (x - x_mean) + o_coefficient[1] * (v - v_mean)
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
    o_latent_variance = (
        o_coefficient[0] ** 2 * x_residual_variance
        + o_coefficient[0] * o_coefficient[1] * 2 * x_v_correlation * pt.sqrt(x_residual_variance * v_residual_variance)
        + o_coefficient[1] ** 2 * v_residual_variance
        + 1
    )
    o_expected_score = (
        1
        + pm.math.invprobit(o_mean / pt.sqrt(o_latent_variance))
        + pm.math.invprobit((o_mean - o_threshold[0]) / pt.sqrt(o_latent_variance))
        + pm.math.invprobit((o_mean - o_threshold[1]) / pt.sqrt(o_latent_variance))
    )

    # b ~ Intercept x v o.latent
    b_mean = pm.Normal("b_mean", mu=0, sigma=np.sqrt(5))
    b_coefficient = pm.Normal("b_coefficient", mu=0, sigma=np.sqrt(5), dims="b_term")
    b_predicted = (
        b_mean
        + b_coefficient[0] * (x - x_mean)
        + b_coefficient[1] * (v - v_mean)
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
    b_total_effect_1 = b_coefficient[0] + b_coefficient[2] * o_coefficient[0]
    b_total_effect_2 = b_coefficient[1] + b_coefficient[2] * o_coefficient[1]
    b_latent_variance = (
        b_total_effect_1**2 * x_residual_variance
        + b_total_effect_1 * b_total_effect_2 * 2 * x_v_correlation * pt.sqrt(x_residual_variance * v_residual_variance)
        + b_total_effect_2**2 * v_residual_variance
        + b_coefficient[2] ** 2
        + 1
    )
    b_expected_score = pm.math.invprobit(b_mean / pt.sqrt(b_latent_variance))

    # ---- outcomes ----

    # y ~ o b x v o*b;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept
        + y_coefficient[0] * (o - o_expected_score)
        + y_coefficient[1] * (b - b_expected_score)
        + y_coefficient[2] * x
        + y_coefficient[3] * v
        + y_coefficient[4] * (o - o_expected_score) * (b - b_expected_score)
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
