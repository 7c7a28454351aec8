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
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
        "c": [0, 1, 9, np.nan, 0, np.nan, np.nan, 3, 1, 1, 1, 0, 0, np.nan, 0, np.nan, 2, 5, 2, 2, 0, np.nan, 2, 5,
            2, 1, np.nan, np.nan, 2, np.nan],
    })
    # fmt: on

w = data["w"].to_numpy(float)
b_category_data = data["b"].fillna(-1).to_numpy(int)
c_data = data["c"].fillna(-1).to_numpy(int)
b_is_missing = data["b"].isna().to_numpy()
c_is_missing = data["c"].isna().to_numpy()

coords = {
    "row": data.index,
    "b_missing_row": data.index[b_is_missing],
    "b_observed_row": data.index[~b_is_missing],
    "b_term": ["w"],
    "c_observed_row": data.index[~c_is_missing],
    "c_term": ["w", "b"],
}

with pm.Model(coords=coords) as model:
    # ---- predictors ----

    # w ~ Intercept
    w_mean = pm.Flat("w_mean", initval=np.mean(w))
    w_residual_variance = pm.HalfFlat("w_residual_variance", initval=np.var(w))
    pm.Potential("w_residual_variance_prior", -pt.log(w_residual_variance) - 0.5 / w_residual_variance)
    w_sd = pt.sqrt(w_residual_variance)
    pm.Normal("w", w_mean, w_sd, observed=w, dims="row")

    # b ~ Intercept w
    b_mean = pm.Normal("b_mean", mu=0, sigma=np.sqrt(5))
    b_coefficient = pm.Normal("b_coefficient", mu=0, sigma=np.sqrt(5), dims="b_term")
    b_predicted = b_mean + b_coefficient[0] * (w - w_mean)
    b_missing = pm.Bernoulli("b_missing", p=pm.math.invprobit(b_predicted[b_is_missing]), dims="b_missing_row")
    pm.Bernoulli(
        "b_observed",
        p=pm.math.invprobit(b_predicted[~b_is_missing]),
        observed=b_category_data[~b_is_missing],
        dims="b_observed_row",
    )
    b = pt.set_subtensor(pt.as_tensor(b_category_data)[b_is_missing], b_missing)

    # ---- outcomes ----

    # c ~ w b;
    c_intercept = pm.Normal("c_intercept", mu=0, sigma=np.sqrt(5))
    c_coefficient = pm.Normal("c_coefficient", mu=0, sigma=np.sqrt(5), dims="c_term")
    c_dispersion = pm.HalfFlat("c_dispersion")
    c_predicted = c_intercept + c_coefficient[0] * w + c_coefficient[1] * b
    pm.NegativeBinomial(
        "c_observed",
        mu=pt.exp(c_predicted[~c_is_missing]),
        alpha=1 / c_dispersion,
        observed=c_data[~c_is_missing],
        dims="c_observed_row",
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
