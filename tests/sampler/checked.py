"""Small models that between them need every kernel: scripts on simulated data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from blimp2pymc.joint_model.ir import Model
from blimp2pymc.joint_model.resolve import resolve


@cache
def simulated(n: int = 90, seed: int = 8) -> pd.DataFrame:
    """Variables that depend on each other; `w`, `g` and `group` are complete, the others have missing cells."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    g = rng.binomial(1, 0.5, n).astype(float)
    x = 1 + 0.4 * w + rng.normal(size=n)
    z = -0.5 + 0.3 * x + rng.normal(size=n)
    m = 0.5 * x - 0.3 * w + rng.normal(size=n)
    y1 = 1 + 0.4 * x + 0.3 * m + 0.2 * x * z + rng.normal(size=n)
    y2 = 0.4 * x + 0.5 * (y1 - 1) + rng.normal(size=n)
    y3 = 0.2 * g + 0.3 * (y2 + y1) + rng.normal(size=n)
    table = pd.DataFrame({"x": x, "z": z, "m": m, "y1": y1, "y2": y2, "y3": y3, "w": w, "g": g})
    table["group"] = np.resize([1.0, 3.0, 4.0, 3.0], n)
    other = np.random.default_rng(seed + 1)
    table["passed"] = (other.random(n) < 1 / (1 + np.exp(-(x - 1)))).astype(float)
    table["count"] = other.poisson(np.exp(0.5 + 0.3 * x) * other.gamma(3.0, 1 / 3, n)).astype(float)
    for name in ("passed", "count"):
        table.loc[other.random(n) < 0.15, name] = np.nan
    for name in ("x", "z", "m", "y1", "y2", "y3"):
        table.loc[rng.random(n) < 0.15, name] = np.nan
    table["o"] = np.array([1.0, 2.0, 4.0, 7.0])[np.digitize(0.4 + m + rng.normal(size=n), [0.0, 0.5, 1.5])]
    table["high"] = (0.3 + 0.5 * m + rng.normal(size=n) > 0).astype(float)
    for name in ("o", "high"):
        table.loc[rng.random(n) < 0.15, name] = np.nan
    utility = np.array([0.3 * m, 0.5 * w, 0 * w]) + other.gumbel(size=(3, n))
    table["k"] = np.array([2.0, 3.0, 5.0])[np.argmax(utility, axis=0)]
    table.loc[other.random(n) < 0.15, "k"] = np.nan
    return table


USUAL = frozenset({"variances", "coefficients", "predictions"})
"""What draws most regressions."""

SCRIPTS: Mapping[str, tuple[str, frozenset[str]]] = {
    "interaction of centered predictors": (
        "ORDINAL: g; FIXED: g; CENTER: x z; MODEL: y1 ~ x z g x*z;",
        frozenset({"cells", "covariances", "variances", "coefficients", "means", "predictions"}),
    ),
    "product of latent variables": (
        """LATENT: f h; MODEL: f -> x z m; h@1; h -> y1@first y2:y3; f ~~ h; w ~ f h f*h;
        PARAMETERS: first ~ truncate(0, Inf);""",
        frozenset({"cells", "variances", "coefficients", "slice", "bounded", "predictions"}),
    ),
    "latent intercepts and slopes": (
        """LATENT: level change; MODEL: rx = x - level; level ~ 1; change ~ 1 w; level ~~ change;
        x ~ 1@level change@0; z ~ 1@level change@1 rx@ar; m ~ 1@level change@2; x z m ~~ x z m; y1 ~ level change^2;""",
        frozenset({"cells", "integrated", "directions", "covariances", "nonlinear"}) | USUAL,
    ),
    "three-way interaction": (
        "CENTER: x z m; MODEL: y1 ~ x z m x*z x*m z*m x*z*m;",
        frozenset({"cells", "covariances", "variances", "coefficients", "means", "predictions"}),
    ),
    "standardised group difference": (
        "MODEL: x ~ w; y1 ~ g@difference x; y1@v; PARAMETERS: d = 0.4; difference = d*sqrt(v);",
        frozenset({"ellipses", "cells", "variances", "coefficients", "slice", "predictions"}),
    ),
    "normal prior": (
        "MODEL: x ~ w@a; y1 ~ 1@b0 x@b w; PARAMETERS: a ~ normal(0.2, .01); b ~ normal(0, 0.05); b0 ~ normal(1, 2);",
        frozenset({"ellipses", "cells", "variances", "coefficients", "predictions"}),
    ),
    "truncated priors": (
        """MODEL: x ~ w@a; m ~ x@b; y1 ~ x@c m@e;
        PARAMETERS: a ~ truncate(0, Inf); b ~ normal(0, .5); b ~ truncate(-1, 0.6); c ~ truncate(-Inf, 0.5);
        e ~ uniform(-1, 1);""",
        frozenset({"ellipses", "cells", "variances", "coefficients", "bounded", "predictions"}),
    ),
    "bounded variance": (
        "MODEL: y1 ~ x w; y1@v; PARAMETERS: v ~ truncate(0.5, 4);",
        frozenset({"ellipses", "cells", "covariances", "coefficients", "slice", "predictions"}),
    ),
    "equal slopes of correlated outcomes": (
        "MODEL: y1 ~ x@b w; y2 ~ x@b g; y1 ~~ y2;",
        frozenset({"ellipses", "cells", "covariances", "coefficients", "predictions"}),
    ),
    "products of coefficients": (
        "MODEL: m ~ x@a w; y1 ~ x@c m@b; y2 ~ x@total; PARAMETERS: total = a*b + c;",
        frozenset({"ellipses", "cells", "covariances", "variances", "coefficients", "predictions"}),
    ),
    "structured zero": (
        "FIXED: w; MODEL: y1 ~ w; y2 ~ w; y3 ~ w; y1 ~~ y2; y2 ~~ y3;",
        frozenset({"ellipses", "cells", "slice", "coefficients"}),
    ),
    "parameters inside expressions": (
        """FIXED: w; MODEL: y1 ~ 1@0 (x - &cut)@b w; y2 ~ (w - turn)*x x;
        PARAMETERS: cut ~ normal(0, 4); turn ~ normal(0, 1); turn ~ truncate(-1, 1);""",
        frozenset({"cells", "variances", "coefficients", "bounded", "predictions"}),
    ),
    "rate inside a function": (
        """FIXED: w; MODEL: y1 ~ 1@low exp(rate*w)@height; y2 ~ y1;
        PARAMETERS: rate ~ normal(0, .1); height ~ normal(1, 1);""",
        frozenset({"ellipses", "nuts", "cells", "coefficients", "variances", "predictions"}),
    ),
    "implied variance in a constraint": (
        """FIXED: w g; MODEL: y1 ~ w@a g@b w*g; y1@v; y2 ~ w x; y2@u; PARAMETERS: v = 6 - y1.coefvar; u = v + b^2;""",
        frozenset({"ellipses", "cells", "slice", "variances", "coefficients", "predictions"}),
    ),
    "phantom correlations": (
        """OPTIONS: use_phantom; FIXED: w; MODEL: y1 ~ w; y2 ~ w; m ~ w; y1 y2 m ~~ y1 y2 m; y1 ~~ y2@r; m@1;
        y3 ~ m w; y3 ~~ x@.2; x ~ w; x ~~ z;""",
        frozenset({"ellipses", "cells", "slice", "coefficients", "predictions"}),
    ),
    "correlation that is also a slope": (
        "FIXED: w; MODEL: y1 ~ w; y2 ~ w; y1 ~~ y2@r; y3 ~ y1@b w; PARAMETERS: b = r/2 + 0.1;",
        frozenset({"ellipses", "cells", "slice", "variances", "coefficients", "predictions"}),
    ),
    "correlations that are also slopes": (
        """FIXED: w; MODEL: y1 ~ w; y2 ~ w; m ~ w; y1 ~~ y2@r; y1 y2 ~~ m; y3 ~ y1@b w;
        PARAMETERS: b = sqrt(abs(r));""",
        frozenset({"ellipses", "cells", "slice", "variances", "coefficients", "predictions"}),
    ),
    "three correlated outcomes": (
        "FIXED: w; MODEL: y1 ~ w; y2 ~ w; y3 ~ w x; y1 y2 y3 ~~ y1 y2 y3;",
        frozenset({"ellipses", "cells", "covariances", "variances", "coefficients"}),
    ),
    "shared residual variance": (
        "MODEL: y1 ~ x; y2 ~ x y1; y1@v; y2@v;",
        frozenset({"ellipses", "cells", "variances", "coefficients", "predictions"}),
    ),
    "equal variances of correlated outcomes": (
        "MODEL: y1 ~ x; y2 ~ x; y1@v; y2@v; y1 ~~ y2@r;",
        frozenset({"ellipses", "cells", "slice", "variances", "coefficients", "predictions"}),
    ),
    "unit variances": (
        "FIXED: w; MODEL: y1 ~ w; y2 ~ w; y1@1; y2@1; y1 ~~ y2@r;",
        frozenset({"ellipses", "cells", "slice", "coefficients", "predictions"}),
    ),
    "three fixed variances": (
        "FIXED: w; MODEL: y1 ~ w; y2 ~ w; m ~ w; y1@1; y2@2; m@1.5; y1 y2 m ~~ y1 y2 m;",
        frozenset({"ellipses", "cells", "slice", "coefficients"}),
    ),
    "fixed and equal correlations": (
        """FIXED: w; MODEL: y1 ~ w; y2 ~ w; y3 ~ w; m ~ w; y1 ~~ y2@.4; y2 ~~ y3@r; y1 ~~ m@r; y3 ~~ m@-.2;
        y1@1; y2@v; y3@v;""",
        frozenset({"ellipses", "cells", "slice", "coefficients"}),
    ),
    "correlations that start away from zero": (
        "FIXED: w; MODEL: y1 ~ w; y2 ~ w; y3 ~ w; y1 ~~ y2@.8; y2 ~~ y3@.8; y1 ~~ y3;",
        frozenset({"ellipses", "cells", "slice", "coefficients"}),
    ),
    "defined variance and correlation": (
        """FIXED: w; MODEL: y1 ~ w@b; y2 ~ w; m ~ w; y1@v1; y2@v2; m@v3; y1 ~~ y2@r; m ~~ y1@s;
        PARAMETERS: v2 = 2*v1; v3 = v2 + b^2; s = r/2;""",
        frozenset({"ellipses", "cells", "slice", "coefficients"}),
    ),
    "priors of variances and correlations": (
        """FIXED: w; MODEL: y1 ~ w; y2 ~ w; m ~ w; y1@v1; y2@v2; y1 ~~ y2@r; m@v3; y3 ~ m w; y3@v4;
        PARAMETERS: v1 ~ truncate(0.2, 3); v2 ~ gamma(2, 1); r ~ beta(2, 2); v3 ~ normal(1, .5); v4 ~ cauchy(1, 1);""",
        frozenset({"ellipses", "cells", "slice", "coefficients", "predictions"}),
    ),
    "bounds inside a block": (
        "FIXED: w; MODEL: y1 ~ w; y2 ~ w; y1@v; y1 ~~ y2@r; PARAMETERS: v ~ truncate(0.2, 3); r ~ truncate(0, 1);",
        frozenset({"ellipses", "cells", "slice", "coefficients", "predictions"}),
    ),
    "priors of slopes": (
        """MODEL: x ~ w@a 1@i; m ~ x@b w@c; y1 ~ x@d m@e w@f;
        PARAMETERS: a ~ gamma(2, 2); b ~ cauchy(0, .5); c ~ cauchy(0, 1); c ~ truncate(-1, 0.5); d ~ beta(2, 3);
        e ~ invgamma(2, .5); f ~ uniform(-2, 2); i ~ normal(1, Inf);""",
        frozenset({"ellipses", "cells", "slice", "bounded", "variances", "coefficients", "predictions"}),
    ),
    "square and exponential": (
        "MODEL: x ~ w; m ~ x x^2; y1 ~ x m (exp(m/4)) (ifelse(z > 0, z, w));",
        frozenset({"nonlinear", "cells", "covariances", "variances", "coefficients", "predictions"}),
    ),
    "square of a centered predictor": (
        "CENTER: x; MODEL: y1 ~ x x^2 w;",
        frozenset({"nonlinear", "cells", "covariances", "variances", "coefficients", "means", "predictions"}),
    ),
    "mean of a centered outcome": (
        "CENTER: m x; MODEL: m ~ x; y1 ~ m x m*x;",
        frozenset({"cells", "variances", "coefficients", "means", "predictions"}),
    ),
    "mean that its slopes cannot follow": (
        "CENTER: m; MODEL: m ~ x; y1 ~ x m*w;",
        frozenset({"ellipses", "cells", "covariances", "variances", "coefficients", "predictions"}),
    ),
    "functions of variables missing together": (
        "MODEL: x ~ w; m ~ x; y1 ~ (exp(m/3)) w; y2 ~ y1 (y1^2);",
        frozenset({"ellipses", "nonlinear", "cells", "variances", "coefficients", "predictions"}),
    ),
    "defined sums": (
        "CENTER: x; MODEL: total = x + z; z ~ x; y1 ~ total@b total*w m; y3 ~ y1;",
        frozenset({"ellipses", "cells", "covariances", "variances", "coefficients", "means", "predictions"}),
    ),
    "fixed values": (
        "MODEL: x ~ w@0.4 1@1; y1 ~ x@0.5 m; y1@1; m ~ 1@0 x;",
        frozenset({"ellipses", "cells", "variances", "coefficients", "predictions"}),
    ),
    "complete nominal predictor": (
        "NOMINAL: group; FIXED: group; MODEL: y1 ~ x group; y2 ~ group*w x;",
        frozenset({"ellipses", "cells", "covariances", "variances", "coefficients", "predictions"}),
    ),
    "ordinal outcomes": (
        "ORDINAL: o high; CENTER: x; MODEL: o ~ x z x*z; high ~ w@a m; y1 ~ x m@a;",
        frozenset({"ellipses", "cells", "thresholds", "responses", "covariances", "means"}) | USUAL,
    ),
    "ordinal indicators": (
        "ORDINAL: o high; LATENT: f; MODEL: f ~ w; f -> o high m; y1 ~ f w f*w;",
        frozenset({"cells", "thresholds", "responses", "variances", "coefficients", "predictions"}),
    ),
    "incomplete categorical predictors": (
        "ORDINAL: o high; NOMINAL: k; FIXED: w; CENTER: x o; MODEL: y1 ~ x o high k high*k x*o w; y2 ~ y1 high;",
        frozenset({"ellipses", "cells", "categories", "differences", "thresholds", "responses", "means"}) | USUAL,
    ),
    "centered binary predictor": (
        "ORDINAL: high; CENTER: high x; MODEL: y1 ~ x high x*high;",
        frozenset(
            {"cells", "categories", "thresholds", "responses", "variances", "coefficients", "means", "predictions"}
        ),
    ),
    "centered nominal predictors": (
        "NOMINAL: k group; CENTER: k group; FIXED: w g; MODEL: group ~ w; y1 ~ g k group w k*w;",
        frozenset(
            {"categories", "cells", "coefficients", "differences", "means", "predictions", "scoring", "variances"}
        ),
    ),
    "latent response as predictor": (
        "ORDINAL: o high; MODEL: high ~ w; o ~ high.latent w; y1 ~ o high o*w;",
        frozenset({"categories", "thresholds", "responses", "variances", "coefficients", "predictions"}),
    ),
    "latent responses that predict counts, nominal categories and a variance": (
        """ORDINAL: o high; NOMINAL: k; COUNT: count; MODEL: o ~ w; high ~ o w; count ~ o.latent w; k ~ o.latent;
        y1 ~ o w high.latent; var(y1) ~ high.latent; y2 ~ o*w;""",
        frozenset(
            {"sliced_responses", "nonlinear", "thresholds", "variances", "coefficients", "scoring", "slice"}
            | {"predictions"}
        ),
    ),
    "latent responses in powers and functions": (
        """ORDINAL: o high passed; CENTER: passed.latent; MODEL: o ~ x; high ~ x; o ~~ high; y1 ~ o.latent o.latent^2 o;
        y2 ~ (exp(o.latent/3 + high.latent/4)) x passed.latent passed.latent^2; var(y2) ~ o;""",
        frozenset(
            {"sliced_responses", "nonlinear", "cells", "thresholds", "variances", "coefficients", "means", "scoring"}
            | {"slice", "predictions"}
        ),
    ),
    "transformed outcomes": (
        "CENTER: x; MODEL: sqrt(x+9) ~ w; ln(z+9) ~ x g; 1/(y1+20) ~ x z; exp(y2/4) ~ w; (9-y3)^2 ~ 1; m ~ y2*g y3;",
        frozenset({"nonlinear", "variances", "coefficients", "means", "predictions"}),
    ),
    "Yeo-Johnson outcome": (
        "FIXED: g; MODEL: x ~ w; yjt(y1-1) ~ x g w@up; PARAMETERS: up ~ truncate(0, Inf);",
        frozenset({"ellipses", "cells", "transformations", "variances", "coefficients", "bounded", "predictions"}),
    ),
    "Yeo-Johnson predictors": (
        "MODEL: yjt(x) ~ w; yjt(z, l) ~ x; yjt(m, l) ~ x; y1 ~ x m x*z (exp(z/4)); y1@v; m@v; yjt(y2,.4) ~ y1;",
        frozenset({"ellipses", "cells", "nonlinear", "transformations", "variances", "coefficients", "predictions"}),
    ),
    "correlated residuals of Yeo-Johnson outcomes": (
        "MODEL: yjt(y1-1, l) ~ w; yjt(y2) ~ w; y1 ~~ y2; x ~ y2; PARAMETERS: l ~ normal(1, .25); l ~ truncate(0, 1.5);",
        frozenset({"cells", "nonlinear", "transformations", "covariances", "variances", "coefficients", "predictions"}),
    ),
    "Yeo-Johnson factor": (
        "LATENT: f; MODEL: yjt(f) ~ w; f -> x z; yjt(m) ~ f; var(y1) ~ 1@0; y1 ~ f*g;",
        frozenset({"nonlinear", "transformations", "variances", "coefficients", "predictions"}),
    ),
    "sequence": (
        "FIXED: w; MODEL: x z m ~ w; { y1 y2 } ~ x z m; y3 ~ y1 y2;",
        frozenset({"ellipses", "cells", "variances", "coefficients", "predictions"}),
    ),
    "two categories": (
        "ORDINAL: passed; FIXED: w; CENTER: x; MODEL: logit(passed) ~ x w x*w; y1 ~ x;",
        frozenset({"weights", "cells", "variances", "coefficients", "means", "predictions"}),
    ),
    "categories of a latent variable": (
        """ORDINAL: passed g; LATENT: f; MODEL: f@1; f -> x@l z m; logit(passed) ~ f w; logit(g) ~ f^2 w@e;
        PARAMETERS: l ~ truncate(0, Inf); e ~ truncate(-3, 3);""",
        frozenset({"weights", "nonlinear", "variances", "coefficients", "bounded", "predictions"}),
    ),
    "several categories": (
        "NOMINAL: group; FIXED: w; CENTER: x; MODEL: group ~ x w x*w; y1 ~ x m;",
        frozenset(
            {"ellipses", "nonlinear", "cells", "covariances", "variances", "coefficients", "scoring", "predictions"}
        ),
    ),
    "residual of a factor and of a category that predicts": (
        "ORDINAL: o; FIXED: w; LATENT: f; MODEL: f -> y2 y3 z; o ~ w; f ~ w; f ~~ o; y1 ~ f o f*o;",
        frozenset(
            {"cells", "categories", "thresholds", "responses", "variances", "coefficients", "slice", "predictions"}
        ),
    ),
    "counts": (
        "COUNT: count; FIXED: w; CENTER: x; MODEL: x z ~ w; count ~ x z w@a; y1 ~ z@a;",
        frozenset({"nonlinear", "cells", "variances", "coefficients", "scoring", "slice", "predictions"}),
    ),
    "categories and counts that predict": (
        """ORDINAL: passed high g; NOMINAL: k; COUNT: count; FIXED: w; CENTER: passed x; MODEL: logit(passed) ~ x w;
        k ~ x passed; count ~ x k high; y1 ~ passed count k count*w passed*x count^2; logit(g) ~ passed count;
        y2 ~ high count;""",
        frozenset(
            {"weights", "nonlinear", "categories", "codes", "counts", "thresholds", "responses", "scoring", "slice"}
        )
        | USUAL,
    ),
    "predictors of a residual variance": (
        "FIXED: w; CENTER: x; MODEL: y1 ~ x w; var(y1) ~ x w; y2 ~ y1; var(y2) ~ g;",
        frozenset({"nonlinear", "cells", "covariances", "coefficients", "means", "scoring", "predictions"}),
    ),
    "predictors of a latent variance": (
        """LATENT: f; MODEL: f ~ w; var(f) ~ 1@0 w g; f -> x@1 z m; y1 ~ f; var(y1) ~ f@a; y2 ~ f@a;
        PARAMETERS: a ~ truncate(-2, 2);""",
        frozenset({"nonlinear", "cells", "variances", "coefficients", "scoring", "slice", "predictions"}),
    ),
    "centered categories that predict a category": (
        "ORDINAL: o high; FIXED: w; CENTER: o; MODEL: high ~ o w o*w; logit(g) ~ o; ORDINAL: g;",
        frozenset({"weights", "categories", "thresholds", "responses", "coefficients", "slice", "predictions"}),
    ),
    "a category that predicts, missing together with its outcome": (
        "ORDINAL: passed; FIXED: w; MODEL: logit(passed) ~ w; y1 ~ passed w;",
        frozenset({"weights", "codes", "variances", "coefficients", "predictions"}),
    ),
    "centered categories that predict a variance": (
        "ORDINAL: o; FIXED: w; CENTER: o; MODEL: y1 ~ o w; var(y1) ~ o;",
        frozenset({"categories", "thresholds", "responses", "coefficients", "scoring", "predictions"}),
    ),
    "a category that predicts a variance and its response the mean": (
        "ORDINAL: high; FIXED: w; MODEL: y1 ~ w high.latent; var(y1) ~ high;",
        frozenset({"categories", "responses", "coefficients", "scoring", "predictions"}),
    ),
    "modelled variances of correlated residuals": (
        """FIXED: w; CENTER: x; MODEL: y1 ~ x w; y2 ~ y1 g; var(y1) ~ x w; y1 ~~ y2;
        { z m y3 } ~ w; var(z) ~ w@a; var(m) ~ y3 w@a (exp(w/4)); z ~~ m@.3; z ~~ y3;
        PARAMETERS: a ~ truncate(-2, 2);""",
        frozenset({"nonlinear", "cells", "covariances", "coefficients", "means", "scoring", "slice", "predictions"}),
    ),
    "modelled variances of correlated latent variables": (
        """LATENT: f h; MODEL: f ~ w; var(f) ~ 1@0 w g; f -> x@1 z m; h -> y1 y2 y3; f ~~ h@r; var(h) ~ f;
        PARAMETERS: r ~ truncate(-.9, .9);""",
        frozenset({"nonlinear", "cells", "variances", "coefficients", "scoring", "slice", "predictions"}),
    ),
    "categories and counts that predict variances of correlated residuals": (
        """ORDINAL: o high passed; NOMINAL: k; COUNT: count; FIXED: w; CENTER: o; MODEL: y1 ~ o w high.latent;
        var(y1) ~ o high; y1 ~~ y2; high ~ w; logit(passed) ~ w; k ~ w; count ~ w; var(y2) ~ passed k count; m ~ y1;""",
        frozenset(
            {"weights", "cells", "categories", "codes", "counts", "thresholds", "responses", "variances"}
            | {"coefficients", "scoring", "slice", "predictions"}
        ),
    ),
    "a category correlated with a residual of modelled variance": (
        "ORDINAL: o; FIXED: w; MODEL: o ~ w x; y1 ~ w; var(y1) ~ x; o ~~ y1; y2 ~ o;",
        frozenset(
            {"nonlinear", "cells", "categories", "thresholds", "responses", "variances", "coefficients", "scoring"}
            | {"slice", "predictions"}
        ),
    ),
    "modelled variances of correlated transformed outcomes": (
        "MODEL: yjt(y1-1) ~ w; var(y1) ~ w; sqrt(y2+20) ~ w; y1 ~~ y2; x ~ y2 y1; var(y2) ~ g;",
        frozenset({"nuts", "nonlinear", "cells", "variances", "coefficients", "scoring", "slice", "predictions"}),
    ),
    "a lambda that depends on another": (
        "MODEL: yjt(y1-1, l) ~ w; yjt(y2, h) ~ w@b; x ~ y2; PARAMETERS: h = 2 - l + 0.1*b;",
        frozenset({"nuts", "nonlinear", "variances", "coefficients", "predictions"}),
    ),
}
"""Case -> script, and the kernels it needs."""

OPTIONS = ("", "OPTIONS: prior1;", "OPTIONS: prior3;")


@cache
def case(name: str, addition: str = "", priors: str = "blimp") -> Model:
    """The resolved model of a case."""
    return resolve(f"{addition} SEED: 1; {SCRIPTS[name][0]}", simulated(), priors=priors)
