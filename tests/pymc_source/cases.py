"""Small models for the tests of the translation: scripts on simulated data, one per construct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from blimp2pymc.joint_model.ir import NO_PRIOR, Model, Prior
from blimp2pymc.joint_model.resolve import resolve


@cache
def simulated(n: int = 40, seed: int = 3) -> pd.DataFrame:
    """Six continuous variables that depend on each other, all but `w` and `d` incomplete, rounded to two digits."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    d = rng.binomial(1, 0.5, n).astype(float)
    x1 = 2 + 0.5 * w + rng.normal(size=n)
    x2 = 1 + 0.4 * x1 + 0.3 * d + rng.normal(size=n)
    x3 = 0.3 * x1 - 0.2 * x2 + rng.normal(size=n)
    m = 0.5 * x1 + rng.normal(size=n)
    y = 1 + 0.5 * x1 + 0.3 * m + 0.2 * x1 * d + rng.normal(size=n)
    table = pd.DataFrame({"y": y, "m": m, "x1": x1, "x2": x2, "x3": x3, "w": w, "d": d}).round(2)
    for name in ("y", "m", "x1", "x2", "x3"):
        table.loc[rng.random(n) < 0.15, name] = np.nan
    return table


@cache
def simulated_categories(n: int = 30, seed: int = 4) -> pd.DataFrame:
    """Ordinal a, b (0, 1) and o (1 to 4), nominal g (1, 2, 5) and h (0, 1), a count c, continuous v, x and y.

    Complete are w, continuous, and u (2, 3, 5), ordinal.
    """
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=(2, n)).round(2)
    o = 1.0 + np.digitize(0.7 * x + rng.normal(size=n), [-0.8, 0.0, 0.8])
    a, b = (0.5 * x + rng.normal(size=(2, n)) > 0).astype(float)
    g, h = rng.choice([1.0, 2.0, 5.0], n), rng.choice([0.0, 1.0], n)
    c = rng.negative_binomial(2, 2 / (2 + np.exp(0.5 + 0.4 * w))).astype(float)
    y = (o + 0.5 * x + (g == 2) + rng.normal(size=n)).round(2)
    v = (0.5 * x + rng.normal(size=n)).round(2)
    table = pd.DataFrame({"y": y, "x": x, "w": w, "o": o, "a": a, "b": b, "g": g, "h": h, "c": c, "v": v})
    for name in table.columns.drop("w"):
        table.loc[rng.random(n) < 0.15, name] = np.nan
    table["u"] = rng.choice([2.0, 3.0, 5.0], n)
    return table


SCRIPTS: Mapping[str, str] = {
    "one_predictor": "MODEL: y ~ x1;",
    "two_predictors": "ORDINAL: d; FIXED: d; CENTER: x1 x2; MODEL: focal: y ~ x1@b1 x2 d x1*x2;",
    "three_predictors": "CENTER: x1 x2 x3; MODEL: y ~ x1 x2 x3 x1*x2*x3;",
    "means_model": "FIXED: w; CENTER: x1; MODEL: predictor: x1 ~ w; focal: y ~ x1 w x1*w;",
    "sequence": "FIXED: w; MODEL: x1 x2 x3 ~ w; y ~ x1 x2 x3;",
    "functions": """MODEL:
        x1 ~ w;
        y ~ x1 x1^2 w^2 (exp(x1/5)) (ifelse(x1 > 2, x1, w)) (w > 0) phi(x1) (x1 > 1 and w < 1);""",
    "defined": """CENTER: x1 x2; MODEL:
        total = x1 + x2 + x3;
        y ~ total@b total*w;""",
    "priors": """MODEL:
        x1 ~ w@a;
        m ~ x1@b1 w@b2;
        y ~ 1@b0 x1@b3 m@b4 w@0.5;
        y@v;
        PARAMETERS: a ~ normal(0, .25); b1 ~ truncate(0, Inf); b2 ~ truncate(-1, 1); b4 ~ normal(0, 2);
        b4 ~ truncate(-Inf, 1); b3 = 2*a - b1^2; indirect = b1*b4; ratio = y.totalvar / m.coefvar;""",
    "pair": "FIXED: w; MODEL: x1 ~ w; m ~ w; x1 ~~ m@r; y ~ x1 m;  PARAMETERS: z = r^2;",
    "clique": "FIXED: w; MODEL: x1 ~ w; x2 ~ w; x3 ~ w@s; x1 ~~ x2@r; x1 x2 ~~ x3; y ~ x1 x2 x3;",
    "factors": """LATENT: f g; MODEL:
        f -> x1 x2 x3;
        g@1;
        g -> m@first w;
        f ~~ g;
        structural: y ~ f g f*g;
        PARAMETERS: first ~ truncate(0, Inf); explained = y.coefvar / y.totalvar;""",
    "growth": """LATENT: level change; MODEL:
        r1 = x1 - level;
        growth: { level change } ~ 1 d;
        level ~~ change;
        waves: x1 ~ 1@level change@0;
        x2 ~ 1@level change@1 r1@ar;
        x3 ~ 1@level change@2;
        x1:x3@v;
        PARAMETERS: total = x3.totalvar;""",
    "structured": "FIXED: w; MODEL: x1 ~ w; x2 ~ w; x3 ~ w; x1 ~~ x2@r; x2 ~~ x3; y ~ x1 x2 x3;",
    "fixed_variances": "FIXED: w; MODEL: x1 ~ w; x2 ~ w; x1@1; x2@1; x1 ~~ x2@r;",
    "unit_variances": "FIXED: w; MODEL: x1 ~ w; x2 ~ w; x3 ~ w; x1@1; x2@2; x3@1; x1 x2 x3 ~~ x1 x2 x3;",
    "structured_block": """FIXED: w; MODEL:
        x1 ~ w; x2 ~ w; x3 ~ w; m ~ w;
        x1@v; x2@v; x3@1.5; m@u;
        x1 ~~ x2@r; x3 ~~ m@r; x1 ~~ x3@-.3; x2 ~~ m@c;
        PARAMETERS: u = 2*v; c ~ normal(.2, .1); v ~ gamma(2, 1);""",
    "phantoms": """OPTIONS: use_phantom; FIXED: w; MODEL: x1 ~ w; x2 ~ w; x3 ~ w; x1 x2 x3 ~~ x1 x2 x3;
        x1@1; m ~~ y@r;""",
    "separate_priors": """FIXED: w; MODEL:
        x1 ~ w@a 1@b; x2 ~ w@c; x3 ~ w@g;
        x1@v; x2@u; x1 ~~ x2@r;
        PARAMETERS: v ~ truncate(0.1, 4); r ~ beta(2, 2); u ~ invgamma(2, 1); a ~ gamma(2, 2);
        b ~ cauchy(0, 2); c ~ cauchy(0, 1); c ~ truncate(0, Inf); g ~ beta(1, 3); g ~ truncate(.1, 1);""",
    "variance_models": """FIXED: d; CENTER: x1; LATENT: f; MODEL:
        f ~ w; var(f) ~ 1@0 d@a;
        f -> x2 x3 m;
        y ~ x1 f; var(y) ~ x1 d x1*d@.2;
        PARAMETERS: a ~ normal(0, .5); ratio = y.residvar / y.totalvar;""",
    "correlated_variance_models": """FIXED: d; LATENT: f; MODEL:
        f ~ w; var(f) ~ 1@0 d; f -> x2 x3; f ~~ m;
        x1 ~ d; y ~ d; var(y) ~ x1 d; y ~~ x1@r; y ~~ w; x1 ~~ w; w ~ 1;
        PARAMETERS: r ~ truncate(-.8, .8);""",
    "transformed_outcomes": """FIXED: d; CENTER: x1; MODEL:
        ln(x1+20) ~ w;
        sqrt(m+20) ~ w; 1/(x3+20) ~ d;
        exp(y/4) ~ x1 d m; var(y) ~ d;
        (3 - x2) ~ d; x2 ~~ w;""",
    "yeo_johnson": """FIXED: d; LATENT: f; MODEL:
        yjt(f, a) ~ d; f@1;
        f -> x1 x2 m;
        yjt(x3 - 1) ~ f w; yjt(w) ~ 1;
        yjt(y) ~ x3 d m*x3; y ~~ x1@.3;
        PARAMETERS: a ~ truncate(.2, 1.5);""",
    "predictor_priors": "OPTIONS: xprior2 hov; MODEL: y ~ x1 x2 x3;",
    "equal_variances": "FIXED: w; MODEL: x1 ~ w@0.3; x2 ~ w@s 1@0; x3 ~ w@s; x1@v; x2@v; x3@v;",
}
"""Case -> script on `simulated`."""

CATEGORY_SCRIPTS: Mapping[str, str] = {
    "ordinal_outcomes": "ORDINAL: o b; MODEL: o ~ x w; b ~ x;",
    "ordinal_predictors": "ORDINAL: o b; FIXED: w; CENTER: o b; MODEL: y ~ o b x w o*w;",
    "centered_ordinals": "ORDINAL: o b; CENTER: o b; MODEL: y ~ o b x v o*b;",
    "centered_outcomes": "ORDINAL: o u; CENTER: o u; FIXED: w; MODEL: o ~ w; u ~ o; y ~ o u;",
    "latent_responses": "ORDINAL: o b; MODEL: o ~ w; b ~ w; y ~ o.latent b b.latent w;",
    "polychoric": "ORDINAL: o b; FIXED: w; MODEL: o ~ w; y ~ w; b ~ w; o y b ~~ o y b;",
    "tetrachoric": "ORDINAL: a b; FIXED: w; MODEL: a ~ w; b ~ w; a ~~ b@r;",
    "nominal_outcomes": "NOMINAL: g h; MODEL: g ~ w; h ~ w g;",
    "nominal_predictor": "NOMINAL: g; FIXED: w; MODEL: focal: y ~ g w g*w;",
    "two_nominal_predictors": "NOMINAL: g h; ORDINAL: b; MODEL: y ~ h g b;",
    "counts": "COUNT: c; ORDINAL: b; MODEL: c ~ w b;",
    "binary_logit": "ORDINAL: b; MODEL: logit(b) ~ w x;",
    "centered_nominals": "NOMINAL: g h; CENTER: g h; FIXED: w; MODEL: h ~ w; y ~ g h w g*w;",
    "discrete_mediators": """ORDINAL: b; NOMINAL: g; COUNT: c; FIXED: w; CENTER: c; MODEL:
        logit(b) ~ w; g ~ w b; c ~ g w; y ~ b c g b*c (c^2) w;""",
}
"""Case -> script on `simulated_categories`."""

VARIANTS: Mapping[str, tuple[str, str]] = {
    "prior1": ("pair", "OPTIONS: prior1;"),
    "prior3": ("clique", "OPTIONS: prior3;"),
    "structured_prior1": ("structured", "OPTIONS: prior1;"),
    "predictor_prior3": ("three_predictors", "OPTIONS: xprior3;"),
}
"""Case -> (case it varies, what it adds)."""


CHANGES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "fixed_correlation": ("pair", {"fixed": 0.3, "prior": NO_PRIOR}),
    "bounded_correlation": ("pair", {"prior": Prior("block", lower=0.0)}),
}
"""Case -> (case it varies, what is different about its parameter `r`)."""


@cache
def case(name: str) -> Model:
    """The resolved model of a case; a name ending in `_proper` has proper priors."""
    if name in CHANGES:
        base, changes = CHANGES[name]
        model = case(base)
        changed = {**model.parameters, "r": replace(model.parameters["r"], **changes)}
        return replace(model, parameters=changed)
    base, proper = name.removesuffix("_proper"), name.endswith("_proper")
    addition = ""
    if base in VARIANTS:
        base, addition = VARIANTS[base]
    script = f"{addition} SEED: 1; BURN: 100; ITER: 400; {SCRIPTS.get(base) or CATEGORY_SCRIPTS[base]}"
    data = simulated() if base in SCRIPTS else simulated_categories()
    return resolve(script, data, priors="proper" if proper else "blimp")


NAMES = (
    *SCRIPTS, *CATEGORY_SCRIPTS, *VARIANTS, *CHANGES, "three_predictors_proper", "pair_proper",
    "structured_block_proper", "unit_variances_proper", "separate_priors_proper", "latent_responses_proper",
)  # fmt: skip
"""Every case."""
