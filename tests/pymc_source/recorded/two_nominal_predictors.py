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
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
        "g": [1, 1, np.nan, 5, 1, 5, 5, 1, 5, 2, 2, np.nan, 1, 2, 5, 5, 1, 2, 2, 1, 2, 2, np.nan, 1, 2, 2, 1, 5,
            np.nan, 5],
        "h": [np.nan, 1, 0, np.nan, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, np.nan, 0, 1, 0, np.nan, 1, 1, 0, 0, 1, 1,
            np.nan, 0, 0, 1],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
b_category_data = data["b"].fillna(-1).to_numpy(int)
g_category_data = data["g"].map({1: 0, 2: 1, 5: 2}).fillna(-1).to_numpy(int)
h_category_data = data["h"].fillna(-1).to_numpy(int)
y_is_missing = np.isnan(y_data)
b_is_missing = data["b"].isna().to_numpy()
g_is_missing = data["g"].isna().to_numpy()
h_is_missing = data["h"].isna().to_numpy()
# nodes and weights of Gauss-Hermite quadrature: means over a standard normal variable
quadrature_node, quadrature_weight = np.polynomial.hermite_e.hermegauss(40)
quadrature_weight /= np.sqrt(2 * np.pi)

coords = {
    "row": data.index,
    "b_missing_row": data.index[b_is_missing],
    "b_observed_row": data.index[~b_is_missing],
    "g_missing_row": data.index[g_is_missing],
    "g_observed_row": data.index[~g_is_missing],
    "g_2_term": ["b.latent"],
    "g_5_term": ["b.latent"],
    "h_missing_row": data.index[h_is_missing],
    "h_observed_row": data.index[~h_is_missing],
    "h_1_term": ["b.latent", "g.2.latent", "g.5.latent"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["h.1", "g.2", "g.5", "b"],
}

with pm.Model(coords=coords) as model:
    # ---- predictors ----

    # b ~ Intercept
    b_mean = pm.Normal("b_mean", mu=0, sigma=np.sqrt(5))
    b_missing = pm.Bernoulli("b_missing", p=pm.math.invprobit(b_mean), dims="b_missing_row")
    pm.Bernoulli(
        "b_observed", p=pm.math.invprobit(b_mean), observed=b_category_data[~b_is_missing], dims="b_observed_row"
    )
    b = pt.set_subtensor(pt.as_tensor(b_category_data)[b_is_missing], b_missing)
    b_limits = pt.as_tensor([-np.inf, 0, np.inf])
    b_lower = b_limits[b] - b_mean
    b_upper = b_limits[b + 1] - b_mean
    b_side = pt.where(b_lower > 0, -1, 1)
    b_quantile = pm.Uniform("b_quantile", dims="row")
    b_below = pm.math.invprobit(b_side * b_lower)
    b_above = pm.math.invprobit(b_side * b_upper)
    b_latent_residual = b_side * pm.math.probit((1 - b_quantile) * b_below + b_quantile * b_above)
    b_latent_response = pm.Deterministic("b_latent_response", b_mean + b_latent_residual, dims="row")

    # g.2 ~ Intercept b.latent
    g_2_mean = pm.Normal("g_2_mean", mu=0, sigma=np.sqrt(5))
    g_2_coefficient = pm.Normal("g_2_coefficient", mu=0, sigma=np.sqrt(5), dims="g_2_term")
    g_2_predicted = g_2_mean + g_2_coefficient[0] * (b_latent_response - b_mean)

    # g.5 ~ Intercept b.latent
    g_5_mean = pm.Normal("g_5_mean", mu=0, sigma=np.sqrt(5))
    g_5_coefficient = pm.Normal("g_5_coefficient", mu=0, sigma=np.sqrt(5), dims="g_5_term")
    g_5_predicted = g_5_mean + g_5_coefficient[0] * (b_latent_response - b_mean)
    g_utility = pt.stack([pt.zeros(len(data)), g_2_predicted, g_5_predicted], axis=-1)
    # utilities have variance 1/2; the probability that a category's is the largest, by quadrature over it
    g_margin = np.sqrt(2) * (g_utility[..., :, None] - g_utility[..., None, :]) + np.diag([np.inf] * 3)
    g_probability = pt.sum(
        quadrature_weight * pt.prod(pm.math.invprobit(g_margin[..., None] + quadrature_node), axis=-2), axis=-1
    )
    g_missing = pm.Categorical("g_missing", p=g_probability[g_is_missing], dims="g_missing_row")
    pm.Categorical(
        "g_observed", p=g_probability[~g_is_missing], observed=g_category_data[~g_is_missing], dims="g_observed_row"
    )
    g_category = pt.set_subtensor(pt.as_tensor(g_category_data)[g_is_missing], g_missing)
    g_2 = pt.eq(g_category, 1).astype(float)
    g_5 = pt.eq(g_category, 2).astype(float)
    # differences of latent utilities: given the category, all others are below its own
    g_others = pt.as_tensor([[1, 2], [0, 2], [0, 1]])[g_category]
    g_distance = pt.take_along_axis(g_utility, g_others, axis=1) - pt.take_along_axis(
        g_utility, g_category[:, None], axis=1
    )
    g_difference_quantile = pm.Uniform("g_difference_quantile", shape=(len(data), 2))
    g_limit_1 = -g_distance[:, 0]
    g_deviation_1 = pm.math.probit(g_difference_quantile[:, 0] * pm.math.invprobit(g_limit_1))
    g_limit_2 = -(g_distance[:, 1] + g_deviation_1 / 2) / np.sqrt(3 / 4)
    g_deviation_2 = g_deviation_1 / 2 + np.sqrt(3 / 4) * pm.math.probit(
        g_difference_quantile[:, 1] * pm.math.invprobit(g_limit_2)
    )
    g_choice = (
        pt.log(pm.math.invprobit(g_limit_1))
        + pt.log(pm.math.invprobit(g_limit_2))
        - pt.log(pt.take_along_axis(g_probability, g_category[:, None], axis=1)[:, 0])
    )
    pm.Potential("g_choice", g_choice)
    g_relative_utility = pt.set_subtensor(
        pt.zeros((len(data), 3))[np.arange(len(data))[:, None], g_others],
        g_distance + pt.stack([g_deviation_1, g_deviation_2], axis=-1),
    )
    g_2_latent_response = pm.Deterministic(
        "g_2_latent_response", g_relative_utility[:, 1] - g_relative_utility[:, 0], dims="row"
    )
    g_5_latent_response = pm.Deterministic(
        "g_5_latent_response", g_relative_utility[:, 2] - g_relative_utility[:, 0], dims="row"
    )

    # h.1 ~ Intercept b.latent g.2.latent g.5.latent
    h_1_mean = pm.Normal("h_1_mean", mu=0, sigma=np.sqrt(5))
    h_1_coefficient = pm.Normal("h_1_coefficient", mu=0, sigma=np.sqrt(5), dims="h_1_term")
    h_1_predicted = (
        h_1_mean
        + h_1_coefficient[0] * (b_latent_response - b_mean)
        + h_1_coefficient[1] * (g_2_latent_response - g_2_mean)
        + h_1_coefficient[2] * (g_5_latent_response - g_5_mean)
    )
    h_missing = pm.Bernoulli("h_missing", p=pm.math.invprobit(h_1_predicted[h_is_missing]), dims="h_missing_row")
    pm.Bernoulli(
        "h_observed",
        p=pm.math.invprobit(h_1_predicted[~h_is_missing]),
        observed=h_category_data[~h_is_missing],
        dims="h_observed_row",
    )
    h_category = pt.set_subtensor(pt.as_tensor(h_category_data)[h_is_missing], h_missing)
    h_1 = pt.eq(h_category, 1).astype(float)

    # ---- outcomes ----

    # y ~ h g b;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept + y_coefficient[0] * h_1 + y_coefficient[1] * g_2 + y_coefficient[2] * g_5 + y_coefficient[3] * b
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
