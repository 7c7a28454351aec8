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
    })
    # fmt: on

y_data = data["y"].to_numpy(float)
w = data["w"].to_numpy(float)
g_category_data = data["g"].map({1: 0, 2: 1, 5: 2}).fillna(-1).to_numpy(int)
y_is_missing = np.isnan(y_data)
g_is_missing = data["g"].isna().to_numpy()
# nodes and weights of Gauss-Hermite quadrature: means over a standard normal variable
quadrature_node, quadrature_weight = np.polynomial.hermite_e.hermegauss(40)
quadrature_weight /= np.sqrt(2 * np.pi)
w_observed_mean = w.mean()

coords = {
    "g_missing_row": data.index[g_is_missing],
    "g_observed_row": data.index[~g_is_missing],
    "g_2_term": ["w"],
    "g_5_term": ["w"],
    "y_missing_row": data.index[y_is_missing],
    "y_observed_row": data.index[~y_is_missing],
    "y_term": ["g.2", "g.5", "w", "g.2*w", "g.5*w"],
}

with pm.Model(coords=coords) as model:
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

    # ---- focal ----

    # y ~ g w g*w;
    y_intercept = pm.Flat("y_intercept", initval=np.nanmean(y_data))
    y_coefficient = pm.Flat("y_coefficient", dims="y_term")
    y_residual_variance = pm.HalfFlat("y_residual_variance", initval=np.nanvar(y_data))
    y_predicted = (
        y_intercept
        + y_coefficient[0] * g_2
        + y_coefficient[1] * g_5
        + y_coefficient[2] * w
        + y_coefficient[3] * g_2 * w
        + y_coefficient[4] * g_5 * w
    )
    y_sd = pt.sqrt(y_residual_variance)
    y_missing = pm.Normal("y_missing", y_predicted[y_is_missing], y_sd, dims="y_missing_row")
    pm.Normal("y_observed", y_predicted[~y_is_missing], y_sd, observed=y_data[~y_is_missing], dims="y_observed_row")

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
