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
        "g": [1, 1, np.nan, 5, 1, 5, 5, 1, 5, 2, 2, np.nan, 1, 2, 5, 5, 1, 2, 2, 1, 2, 2, np.nan, 1, 2, 2, 1, 5,
            np.nan, 5],
        "h": [np.nan, 1, 0, np.nan, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, np.nan, 0, 1, 0, np.nan, 1, 1, 0, 0, 1, 1,
            np.nan, 0, 0, 1],
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
w = data["w"].to_numpy(float)
g_category_data = data["g"].map({1: 0, 2: 1, 5: 2}).fillna(-1).to_numpy(int)
h_category_data = data["h"].fillna(-1).to_numpy(int)
y_is_missing = np.isnan(y_data)
g_is_missing = data["g"].isna().to_numpy()
h_is_missing = data["h"].isna().to_numpy()
# nodes and weights of Gauss-Hermite quadrature: means over a standard normal variable
quadrature_node, quadrature_weight = np.polynomial.hermite_e.hermegauss(40)
quadrature_weight /= np.sqrt(2 * np.pi)
w_observed_mean = w.mean()

coords = {
    "h_missing_row": data.index[h_is_missing],
    "h_observed_row": data.index[~h_is_missing],
    "h_1_term": ["w"],
    "g_missing_row": data.index[g_is_missing],
    "g_observed_row": data.index[~g_is_missing],
    "g_2_term": ["w"],
    "g_5_term": ["w"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["g.2", "g.5", "h.1", "w", "g.2*w", "g.5*w"],
}

with pm.Model(coords=coords) as model:
    # h ~ w;
    h_1_intercept = pm.Normal("h_1_intercept", mu=0, sigma=np.sqrt(5))
    h_1_coefficient = pm.Normal("h_1_coefficient", mu=0, sigma=np.sqrt(5), dims="h_1_term")
    h_1_predicted = h_1_intercept + h_1_coefficient[0] * w
    h_missing = pm.Bernoulli("h_missing", logit_p=h_1_predicted[h_is_missing], dims="h_missing_row")
    pm.Bernoulli(
        "h_observed",
        logit_p=h_1_predicted[~h_is_missing],
        observed=h_category_data[~h_is_missing],
        dims="h_observed_row",
    )
    h_category = pt.set_subtensor(pt.as_tensor(h_category_data)[h_is_missing], h_missing)
    h_1 = pt.eq(h_category, 1).astype(float)

    # ---- predictors ----

    # g.2 ~ Intercept w
    g_2_mean = pm.Normal("g_2_mean", mu=0, sigma=np.sqrt(5))
    g_2_coefficient = pm.Normal("g_2_coefficient", mu=0, sigma=np.sqrt(5), dims="g_2_term")
    g_2_predicted = g_2_mean + g_2_coefficient[0] * (w - w_observed_mean)

    # g.5 ~ Intercept w
    g_5_mean = pm.Normal("g_5_mean", mu=0, sigma=np.sqrt(5))
    g_5_coefficient = pm.Normal("g_5_coefficient", mu=0, sigma=np.sqrt(5), dims="g_5_term")
    g_5_predicted = g_5_mean + g_5_coefficient[0] * (w - w_observed_mean)
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

    # mean of g.2, from its completed values alone
    g_2_share_variance = pm.InverseGamma(
        "g_2_share_variance", alpha=15.5, beta=0.5 + pt.sum((g_2 - pt.mean(g_2)) ** 2) / 2
    )
    g_2_share = pm.Normal("g_2_share", pt.mean(g_2), pt.sqrt(g_2_share_variance / 30))

    # mean of g.5, from its completed values alone
    g_5_share_variance = pm.InverseGamma(
        "g_5_share_variance", alpha=15.5, beta=0.5 + pt.sum((g_5 - pt.mean(g_5)) ** 2) / 2
    )
    g_5_share = pm.Normal("g_5_share", pt.mean(g_5), pt.sqrt(g_5_share_variance / 30))

    # mean of h.1, from its completed values alone
    h_1_share_variance = pm.InverseGamma(
        "h_1_share_variance", alpha=15.5, beta=0.5 + pt.sum((h_1 - pt.mean(h_1)) ** 2) / 2
    )
    h_1_share = pm.Normal("h_1_share", pt.mean(h_1), pt.sqrt(h_1_share_variance / 30))

    # ---- outcomes ----

    # y ~ g h w g*w;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept
        + y_coefficient[0] * (g_2 - g_2_share)
        + y_coefficient[1] * (g_5 - g_5_share)
        + y_coefficient[2] * (h_1 - h_1_share)
        + y_coefficient[3] * w
        + y_coefficient[4] * (g_2 - g_2_share) * w
        + y_coefficient[5] * (g_5 - g_5_share) * w
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
