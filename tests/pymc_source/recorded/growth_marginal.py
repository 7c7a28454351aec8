# PyMC version, written by blimp2pymc.

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

# The data; 9 rows are analysed. A DataFrame called `data` may be provided instead of the file.
if "data" not in globals():
    # fmt: off
    data = pd.DataFrame({
        "x1": [np.nan, 4.27, -0.18, 1.11, 2.59, 2.96, 0.73, 1.02, 2.5],
        "x2": [1.44, 3.92, 1.62, 2.05, np.nan, 3.08, 1.14, 2.79, 1.47],
        "x3": [0.24, -0.18, 0.22, np.nan, -0.59, 2.27, -0.37, -0.37, np.nan],
        "d": [1, 0, 1, 1, 1, 0, 0, 1, 0],
    })
    # fmt: on

x1_data = data["x1"].to_numpy(float)
x2_data = data["x2"].to_numpy(float)
x3_data = data["x3"].to_numpy(float)
d = data["d"].to_numpy(float)
observed_values = data[["x1", "x2", "x3"]].to_numpy(float)
is_observed = ~np.isnan(observed_values)
observed_patterns, pattern_of_row = np.unique(is_observed, axis=0, return_inverse=True)

coords = {
    "level_term": ["d"],
    "change_term": ["d"],
}

with pm.Model(coords=coords) as model:
    # rows and columns of the matrices; an effect is that of the column's variable on the row's:
    # 0 level, 1 change, 2 x1, 3 x2, 4 x3
    direct_effect = pt.zeros((5, 5))
    residual_covariance = pt.zeros((5, 5))

    # level ~~ change;
    level_residual_variance = pm.HalfFlat("level_residual_variance")
    change_residual_variance = pm.HalfFlat("change_residual_variance")
    level_sd = pt.sqrt(level_residual_variance)
    change_sd = pt.sqrt(change_residual_variance)
    level_change_correlation = pm.Uniform("level_change_correlation", lower=-1, upper=1)
    # flat prior of the covariance matrix, for variances and correlations
    pm.Potential(
        "level_change_covariance_prior", 0.5 * (pt.log(level_residual_variance) + pt.log(change_residual_variance))
    )

    # { level change } ~ 1 d;
    # level ~ Intercept d
    level_intercept = pm.Flat("level_intercept")
    level_coefficient = pm.Flat("level_coefficient", dims="level_term")
    residual_covariance = residual_covariance[0, 0].set(level_residual_variance)
    level_constant = level_intercept + level_coefficient[0] * d

    # change ~ Intercept d
    change_intercept = pm.Flat("change_intercept")
    change_coefficient = pm.Flat("change_coefficient", dims="change_term")
    residual_covariance = residual_covariance[1, 1].set(change_residual_variance)
    residual_covariance = residual_covariance[[0, 1], [1, 0]].set(level_change_correlation * level_sd * change_sd)
    change_constant = change_intercept + change_coefficient[0] * d

    # x1 ~ 1@level change@0;
    v = pm.HalfFlat("v", initval=np.nanvar(x1_data))
    direct_effect = direct_effect[2, 0].set(1)
    residual_covariance = residual_covariance[2, 2].set(v)

    # x2 ~ 1@level change@1 r1@ar;
    ar = pm.Flat("ar")
    direct_effect = direct_effect[3, 0].set(1 - ar)
    direct_effect = direct_effect[3, 1].set(1)
    direct_effect = direct_effect[3, 2].set(ar)
    residual_covariance = residual_covariance[3, 3].set(v)

    # x3 ~ 1@level change@2;
    direct_effect = direct_effect[4, 0].set(1)
    direct_effect = direct_effect[4, 1].set(2)
    residual_covariance = residual_covariance[4, 4].set(v)

    # ---- all variables jointly ----

    constants = pt.stack(
        [
            pt.zeros(len(data)) + level_constant,
            pt.zeros(len(data)) + change_constant,
            pt.zeros(len(data)),
            pt.zeros(len(data)),
            pt.zeros(len(data)),
        ]
    )
    total_effect = pt.linalg.inv(np.eye(5) - direct_effect)
    implied_mean = constants.T @ total_effect.T
    implied_covariance = total_effect @ residual_covariance @ total_effect.T

    # a missing cell is set to 0, with mean 0, variance 1/(2 pi) and no covariances: its density is 1
    pattern_pairs = observed_patterns[:, :, None] & observed_patterns[:, None, :]
    pattern_covariance = pt.where(pattern_pairs, implied_covariance[2:, 2:], np.eye(3) / (2 * np.pi))
    pm.MvNormal(
        "outcomes",
        mu=pt.where(is_observed, implied_mean[:, 2:], 0),
        cov=pattern_covariance[pattern_of_row],
        observed=np.nan_to_num(observed_values),
    )

if __name__ == "__main__":
    import arviz as az

    with model:
        idata = pm.sample(nuts_sampler="pymc")
    print(az.summary(idata))
