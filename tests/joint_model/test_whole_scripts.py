"""Whole scripts in unusual but legal spelling: read without mistakes, with the models that Blimp would list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from blimp2pymc.joint_model.printed_equations import printed_equations
from blimp2pymc.joint_model.resolve import resolve

COLUMNS = [
    *(f"{stem}{i}" for stem, n in (("item", 6), ("y", 4), ("dep_t", 4)) for i in range(1, n + 1)),
    "Age", "sex", "grp", "stress.w1", "stress.w2", "drinks", "income", "x_01", "x_02",
]  # fmt: skip


def study(n: int = 220) -> pd.DataFrame:
    """Two factors, a panel, categories, a count; a twelfth of the cells missing."""
    rng = np.random.default_rng(5)
    f, g, x = rng.normal(size=(3, n))
    table = pd.DataFrame(rng.normal(size=(n, len(COLUMNS))), columns=COLUMNS)
    for i in range(1, 7):
        table[f"item{i}"] = np.digitize(0.8 * f + rng.normal(size=n), [-1, 0, 1]) + 1.0
    for i in range(1, 5):
        table[f"y{i}"] += 0.7 * (0.4 * f + g) + i
        table[f"dep_t{i}"] += 0.6 * f
    table["Age"] = (40 + 10 * rng.normal(size=n)).round(1)
    table["sex"], table["grp"] = rng.integers(0, 2, n), rng.integers(1, 4, n)
    table["drinks"] = rng.poisson(np.exp(0.3 + 0.3 * x))
    table["income"] = np.exp(0.3 * x + 0.4 * rng.normal(size=n))
    hidden = rng.random(table.shape) < 0.08
    hidden[:, [COLUMNS.index(name) for name in ("sex", "drinks", "income")]] = False
    return table.astype(float).mask(hidden)


SCRIPTS: dict[str, tuple[str, list[str]]] = {
    "comments and blanks in the middle, commands in lower case": (
        """
        # unusual spacing, comments in the middle, lower-case commands
        ordinal:sex   # a comment; with a semicolon
           ;
        center : Age
          x_01 ;
        model : y1~Age   x_01 # here
         Age * x_01@b3
           sex@b4;seed:123;burn:500 ;iter:1000;
        waldtest : b3=0 ;
        """,
        [
            "y1 ~ Intercept Age x_01 sex Age*x_01",
        ],
    ),
    "names, functions and infinity in any case": (
        """
        ORDINAL: item1:item6;
        LATENT: Eta;
        MODEL:
          Structural: Eta ~ Age x_01:x_02;
          Measurement: Eta -> item1@load1 item2:item6;
          Eta@1;
        PARAMETERS:
          load1 ~ Truncate(0, INF);
          std = load1 / Sqrt(1 + load1^2);
        SEED: 1; BURN: 500; ITERATIONS: 1000;
        """,
        [
            "Eta ~ Age x_01 x_02",
            "item1 ~ Intercept Eta",
            "item2 ~ Intercept Eta",
            "item3 ~ Intercept Eta",
            "item4 ~ Intercept Eta",
            "item5 ~ Intercept Eta",
            "item6 ~ Intercept Eta",
        ],
    ),
    "a loop of growth, several LATENT commands": (
        """
        LATENT: I; LATENT: S;
        MODEL:
          { t in 1:4 } : dep_t[t] ~ 1@I S@[t-1];     # intercept is the latent variable
          I S ~ Intercept;
          I ~~ S@r;
          { t in 1:4 } : dep_t[t]@v;
        PARAMETERS: cov = r * sqrt(I.totalvar * S.totalvar);
        SEED: 2; BURN: 500; ITER: 1000; CHAINS: 2;
        """,
        [
            "I ~ Intercept S",
            "S ~ Intercept",
            "dep_t1 ~ I@1 S@0",
            "dep_t2 ~ I@1 S@1",
            "dep_t3 ~ I@1 S@2",
            "dep_t4 ~ I@1 S@3",
            "I S <-> I S",
        ],
    ),
    "numbers as labels, a chosen reference category, dummies as moderators": (
        """
        NOMINAL: grp(2); ORDINAL: sex;
        CENTER: grandmean = x_01;
        MODEL:
          1: y2 ~ x_01 grp grp*x_01 sex;
          2: x_01 x_02 ~ Age;
        SIMPLE: x_01 | grp.1; x_01 | grp.3;
        SEED: 3; BURN: 500; ITER: 1000;
        """,
        [
            "y2 ~ Intercept x_01 grp.1 grp.3 sex grp.1*x_01 grp.3*x_01",
            "x_01 ~ Intercept x_02 Age",
            "x_02 ~ Intercept Age",
        ],
    ),
    "braces, transformed outcome, comparison and power as predictors": (
        """
        COUNT: drinks; FIXED: sex;
        TRANSFORM: logage = ln(Age); heavy = ifelse(drinks > 3, 1, 0); ORDINAL: heavy;
        MODEL: { drinks heavy } ~ sex logage;
        ln(income) ~ sex (Age > 40) (Age-40)^2;
        SEED: 4; BURN: 500; ITER: 1000;
        """,
        [
            "drinks ~ Intercept sex logage",
            "heavy ~ Intercept sex logage",
            "ln(income) ~ Intercept sex (Age>40) (Age-40)^2",
        ],
    ),
    "sum ranges, a chain over a range, a correlation as Blimp prints it": (
        """
        ORDINAL: item1:item6;
        MODEL:
           total = item1:+:item6;
           items: item1:item6 ~ x_01;
           y3 ~ total@b (item1:+:item3)*x_01 x_01;
           y4 ~ stress.w1 stress.w2 ;
           stress.w1 <-> stress.w2 ;
        TEST: b = 0.1;
        SEED: 5; BURN: 500; ITER: 1000;
        """,
        [
            "item1 ~ Intercept item2 item3 item4 item5 item6 x_01",
            "item2 ~ Intercept item3 item4 item5 item6 x_01",
            "item3 ~ Intercept item4 item5 item6 x_01",
            "item4 ~ Intercept item5 item6 x_01",
            "item5 ~ Intercept item6 x_01",
            "item6 ~ Intercept x_01",
            "stress.w1 ~ Intercept",
            "stress.w2 ~ Intercept",
            "y3 ~ Intercept x_01 total (item1:+:item3)*x_01",
            "y4 ~ Intercept stress.w1 stress.w2",
            "stress.w1 stress.w2 <-> stress.w1 stress.w2",
        ],
    ),
    "structured correlations, the square of a factor, VAR() in capitals": (
        """
        LATENT: f g;
        MODEL:
           f -> y1:y4;
           g -> dep_t1 dep_t2:dep_t4;
           int: x_02 ~ f g f*g (f^2);
           f ~~ g;
           dep_t1 ~~ dep_t2; dep_t3 ~~ dep_t4@-.2;
           VAR(x_02) ~ 1 Age;
        SIMPLE: f | g @ -1.0; f | g @ 1;
        OPTIONS: labels pinfo;
        SEED: 6; BURN: 500; ITER: 1000;
        """,
        [
            "dep_t1 ~ Intercept g@1",
            "dep_t2 ~ Intercept g",
            "dep_t3 ~ Intercept g",
            "dep_t4 ~ Intercept g",
            "y1 ~ Intercept f@1",
            "y2 ~ Intercept f",
            "y3 ~ Intercept f",
            "y4 ~ Intercept f",
            "dep_t1 dep_t2 <-> dep_t1 dep_t2",
            "dep_t3 dep_t4 <-> dep_t3 dep_t4",
            "f ~ Intercept@0",
            "g ~ Intercept@0",
            "x_02 ~ Intercept f g f*g f^2",
            "var(x_02) ~ Intercept Age",
            "f g <-> f g",
        ],
    ),
    "a panel in loops, residuals as defined variables": (
        """
        ORDINAL: sex;
        LATENT: RIx RIy;
        MODEL:
          RIx RIy ~ 1@0;   RIx ~~ RIy;
          { i in 1:4 } : rd[i] = dep_t[i] - (md[i] + RIx);
          { i in 1:4 } : ry[i] = y[i] - (my[i] + RIy);
          1 -> dep_t1@md1 dep_t2@md2 dep_t3@md3 dep_t4@md4;
          1 -> y1@my1 y2@my2 y3@my3 y4@my4;
          { i in 1:4 } : RIx -> dep_t[i]@1;
          { i in 1:4 } : RIy -> y[i]@1;
          { i in 2:4 } : dep_t[i] ~ rd[i-1]@ar ry[i-1]@cl;
          { i in 2:4 } : y[i] ~ ry[i-1]@ar2 rd[i-1]@cl2;
          { i in 1:4 } : dep_t[i] ~~ y[i];
        WALDTEST: cl = cl2;
        SEED: 7; BURN: 500; ITER: 1000;
        """,
        [
            "RIx ~ RIy",
            "RIy ~ Intercept@0",
            "dep_t1 ~ Intercept RIx@1",
            "dep_t2 ~ Intercept RIx@1 rd1 ry1",
            "dep_t3 ~ Intercept RIx@1 rd2 ry2",
            "dep_t4 ~ Intercept RIx@1 rd3 ry3",
            "y1 ~ Intercept RIy@1",
            "y2 ~ Intercept RIy@1 ry1 rd1",
            "y3 ~ Intercept RIy@1 ry2 rd2",
            "y4 ~ Intercept RIy@1 ry3 rd3",
            "dep_t1 y1 <-> dep_t1 y1",
            "dep_t2 y2 <-> dep_t2 y2",
            "dep_t3 y3 <-> dep_t3 y3",
            "dep_t4 y4 <-> dep_t4 y4",
            "RIx RIy <-> RIx RIy",
        ],
    ),
    "logit, multinomial and Yeo-Johnson outcomes, a loop in PARAMETERS": (
        """
        ORDINAL: sex; NOMINAL: grp;
        MODEL:
          logit(sex) ~ x_01@a1 Age;
          grp ~ x_01 sex;
          yjt(income - 1) ~ sex grp x_01;
          p: y1 ~ sex income grp.2 grp.3;
        PARAMETERS:
          { k in 1:2 } : p[k] = 1/(1+exp(-(a1*[k])));
          a1 ~ normal(0, 4);
        SEED: 8; BURN: 500; ITER: 1000;
        """,
        [
            "grp ~ Intercept x_01 sex",
            "yjt(income-1) ~ Intercept sex grp.2 grp.3 x_01",
            "logit(sex) ~ Intercept x_01 Age",
            "y1 ~ Intercept sex income grp.2 grp.3",
        ],
    ),
    "the model last, dots in names, an empty statement": (
        """
        SEED: 9; BURN: 500; ITER: 1000; Ordinal: sex item1:item6 ;
        Fixed: sex;
        Center: x_01 stress.w1;
        Model:
         a: y1 y2 ~ x_01 stress.w1 sex stress.w1*sex x_01^2 ;;
         b: stress.w1 ~ x_01;
        """,
        [
            "y1 ~ Intercept y2 x_01 stress.w1 sex stress.w1*sex x_01^2",
            "y2 ~ Intercept x_01 stress.w1 sex stress.w1*sex x_01^2",
            "stress.w1 ~ Intercept x_01",
        ],
    ),
}
"""What is unusual -> script and its models."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_models_are_listed_as_expected(name: str) -> None:
    script, expected = SCRIPTS[name]
    assert [each.text for each in printed_equations(script, study())] == expected


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_model_resolves(name: str) -> None:
    assert resolve(SCRIPTS[name][0], study()).equations
