# PyMC version, written by blimp2pymc.

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

# The data; 30 rows are analysed. A DataFrame called `data` may be provided instead of the file.
if "data" not in globals():
    # fmt: off
    data = pd.DataFrame({
        "x": [-0.34, 0.21, -1.48, 0.99, 0.18, 1.01, 0.96, -0.98, -0.8, -0.2, 0.75, 0.85, -0.71, -0.61, -0.8, np.nan,
            -0.24, -0.13, 2.06, -0.51, -0.29, 0.46, -0.95, -0.37, 0.01, 0.77, -1.32, 1.37, -0.35, 0.17],
        "w": [-0.65, -0.17, 1.66, 0.66, -1.64, -0.01, -0.62, 0.15, -1.61, 0.24, 0.24, 1.58, 0.32, 0.51, -1.49, 2.25,
            -1.92, 1.1, -0.33, -0.88, -0.66, -0.67, 0.38, -0.11, 1.48, -1.83, 0, -0.89, 0.78, -2.12],
        "b": [np.nan, 0, 0, np.nan, 1, 1, 1, 1, np.nan, 0, 1, 1, 0, 1, 1, 0, np.nan, 0, np.nan, np.nan, 0, 1, 1, 0,
            0, 1, np.nan, 1, 0, 1],
    })
    # fmt: on

x_data = data["x"].to_numpy(float)
w = data["w"].to_numpy(float)
b_category = data["b"].fillna(-1).to_numpy(int)
x_is_missing = np.isnan(x_data)
b_is_missing = data["b"].isna().to_numpy()

coords = {
    "row": data.index,
    "x_missing_row": data.index[x_is_missing],
    "x_observed_row": data.index[~x_is_missing],
    "b_observed_row": data.index[~b_is_missing],
    "b_1_term": ["w", "x"],
}

with pm.Model(coords=coords) as model:
    # ---- predictors ----

    # predictors without an equation are jointly normal: x, w
    x_residual_variance = pm.HalfFlat("x_residual_variance", initval=np.nanvar(x_data))
    w_residual_variance = pm.HalfFlat("w_residual_variance", initval=np.var(w))
    x_sd = pt.sqrt(x_residual_variance)
    w_sd = pt.sqrt(w_residual_variance)
    x_w_correlation = pm.Uniform("x_w_correlation", lower=-1, upper=1)
    # covariance matrix ~ inverse Wishart(S = I, df = 1)
    x_w_covariance_prior = (
        -1.5 * (pt.log(x_residual_variance) + pt.log(w_residual_variance))
        - 2 * pt.log(1 - x_w_correlation**2)
        - 0.5 * (1 / x_residual_variance + 1 / w_residual_variance) / (1 - x_w_correlation**2)
    )
    pm.Potential("x_w_covariance_prior", x_w_covariance_prior)

    # x ~ Intercept
    x_mean = pm.Flat("x_mean", initval=np.nanmean(x_data))
    x_missing = pm.Normal("x_missing", x_mean, x_sd, dims="x_missing_row")
    pm.Normal("x_observed", x_mean, x_sd, observed=x_data[~x_is_missing], dims="x_observed_row")
    x = pt.set_subtensor(pt.as_tensor(x_data)[x_is_missing], x_missing)

    # w ~ Intercept
    w_mean = pm.Flat("w_mean", initval=np.mean(w))
    x_residual = x - x_mean
    w_given_mean = w_mean + x_w_correlation * w_sd / x_sd * x_residual
    w_given_sd = w_sd * pt.sqrt(1 - x_w_correlation**2)
    pm.Normal("w", w_given_mean, w_given_sd, observed=w, dims="row")

    # ---- outcomes ----

    # logit(b) ~ w x;
    b_1_intercept = pm.Normal("b_1_intercept", mu=0, sigma=np.sqrt(5))
    b_1_coefficient = pm.Normal("b_1_coefficient", mu=0, sigma=np.sqrt(5), dims="b_1_term")
    b_1_predicted = b_1_intercept + b_1_coefficient[0] * w + b_1_coefficient[1] * x
    pm.Bernoulli(
        "b_observed", logit_p=b_1_predicted[~b_is_missing], observed=b_category[~b_is_missing], dims="b_observed_row"
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
