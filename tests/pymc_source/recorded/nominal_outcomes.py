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
        "g": [1, 1, np.nan, 5, 1, 5, 5, 1, 5, 2, 2, np.nan, 1, 2, 5, 5, 1, 2, 2, 1, 2, 2, np.nan, 1, 2, 2, 1, 5,
            np.nan, 5],
        "h": [np.nan, 1, 0, np.nan, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, np.nan, 0, 1, 0, np.nan, 1, 1, 0, 0, 1, 1,
            np.nan, 0, 0, 1],
    })
    # fmt: on

w = data["w"].to_numpy(float)
g_category_data = data["g"].map({1: 0, 2: 1, 5: 2}).fillna(-1).to_numpy(int)
h_category = data["h"].fillna(-1).to_numpy(int)
g_is_missing = data["g"].isna().to_numpy()
h_is_missing = data["h"].isna().to_numpy()

coords = {
    "g_missing_row": data.index[g_is_missing],
    "g_observed_row": data.index[~g_is_missing],
    "g_2_term": ["w"],
    "g_5_term": ["w"],
    "h_observed_row": data.index[~h_is_missing],
    "h_1_term": ["w", "g.2", "g.5"],
}

with pm.Model(coords=coords) as model:
    # g ~ w;
    # g.2 ~ Intercept w
    g_2_intercept = pm.Normal("g_2_intercept", mu=0, sigma=np.sqrt(5))
    g_2_coefficient = pm.Normal("g_2_coefficient", mu=0, sigma=np.sqrt(5), dims="g_2_term")
    g_2_predicted = g_2_intercept + g_2_coefficient[0] * w

    # g.5 ~ Intercept w
    g_5_intercept = pm.Normal("g_5_intercept", mu=0, sigma=np.sqrt(5))
    g_5_coefficient = pm.Normal("g_5_coefficient", mu=0, sigma=np.sqrt(5), dims="g_5_term")
    g_5_predicted = g_5_intercept + g_5_coefficient[0] * w
    g_logit = pt.stack([pt.zeros(len(data)), g_2_predicted, g_5_predicted], axis=-1)
    g_missing = pm.Categorical("g_missing", logit_p=g_logit[g_is_missing], dims="g_missing_row")
    pm.Categorical(
        "g_observed", logit_p=g_logit[~g_is_missing], observed=g_category_data[~g_is_missing], dims="g_observed_row"
    )
    g_category = pt.set_subtensor(pt.as_tensor(g_category_data)[g_is_missing], g_missing)
    g_2 = pt.eq(g_category, 1).astype(float)
    g_5 = pt.eq(g_category, 2).astype(float)

    # h ~ w g;
    h_1_intercept = pm.Normal("h_1_intercept", mu=0, sigma=np.sqrt(5))
    h_1_coefficient = pm.Normal("h_1_coefficient", mu=0, sigma=np.sqrt(5), dims="h_1_term")
    h_1_predicted = h_1_intercept + h_1_coefficient[0] * w + h_1_coefficient[1] * g_2 + h_1_coefficient[2] * g_5
    pm.Bernoulli(
        "h_observed", logit_p=h_1_predicted[~h_is_missing], observed=h_category[~h_is_missing], dims="h_observed_row"
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
