"""Layout by example: what the formatter changes and what it keeps."""

from __future__ import annotations

import pytest

from blimp2pymc.blimp.format import format_script
from blimp2pymc.blimp.parse import parse
from blimp2pymc.errors import BlimpError

UNTIDY = """# About this script.
data:   study.csv ;  variables: id y   x1 : x4
  d;   # all columns


Iter: 1000;;  # long enough
model:
   # the main part
   focal:y~1 x1*x2@b1   # first
       ( x3-2 )@b2 x4 ^ 2
     |x1[ id ];
  { i in 1:3,j in 2:4 }:  a[ i ]_[j-1]  =~ [i]*x1 m [v] ;
  x1<->x2@r; y@ -1;   # both
parameters: q = -b1+b2* -3
     * b1 ; r = (b1<-1) and b2 ** 2>=3;
"""

TIDY = """# About this script.
DATA: study.csv;
VARIABLES: id y x1:x4
           d;  # all columns

ITERATIONS: 1000;  # long enough
MODEL:
  # the main part
  focal:
    y ~ 1 x1*x2@b1  # first
        (x3 - 2)@b2 x4^2
        | x1[id];
    { i in 1:3, j in 2:4 } : a[i]_[j-1] -> [i]*x1 m [v];
    x1 ~~ x2@r;
    y@-1;  # both
PARAMETERS:
  q = -b1 + b2*-3
      * b1;
  r = (b1 < -1) and b2^2 >= 3;
"""


def test_untidy_script() -> None:
    assert format_script(UNTIDY) == TIDY
    assert format_script(TIDY) == TIDY


def test_comments_inside_save_stay_comments() -> None:
    text = "MODEL: y ~ x;\nSAVE: stacked # a\n = # b = c;\n # d\n imps.csv # e\n;\n"
    tidy = "MODEL: y ~ x;\nSAVE:\n  stacked  # a\n      =  # b = c;\n      # d\n      imps.csv;  # e\n"
    assert format_script(text) == tidy
    assert format_script(tidy) == tidy
    assert parse(tidy) == parse(text)


def test_comments_keep_their_place() -> None:
    text = "# a\nMODEL: # b\n  # c\n  y # d\n  # e\n  ~ x # f\n  # g\n  ; # h\n# i\nSEED: # j\n 1 # k\n; # l\n# m\n"
    expected = """# a
MODEL:  # b
  # c
  y  # d
      # e
      ~ x;  # f  # h
# g
# i
SEED:  # j
  1;  # k  # l
# m
"""
    assert format_script(text) == expected
    assert format_script(expected) == expected


def test_long_lines_are_broken_between_terms() -> None:
    text = format_script("MODEL: y ~ " + " ".join(f"predictor_number_{i}" for i in range(20)) + ";")
    assert text.splitlines()[0] == "MODEL:"
    assert all(len(line) <= 100 for line in text.splitlines())
    assert text.splitlines()[2].startswith(" " * 6 + "predictor")


def test_file_names_are_left_alone() -> None:
    text = "DATA: my  data/a-b*c.csv;\nSAVE: separate = out - 1/imp*.csv;\n"
    assert format_script(text) == text


def test_lines_end_with_line_feeds_only() -> None:
    assert format_script("\ufeffSEED: 1;\r\nMODEL: y ~ x;\r\n") == "SEED: 1;\nMODEL: y ~ x;\n"


def test_label_in_loop_is_no_range() -> None:
    assert format_script("MODEL: { i in 1:2 } : part :y[i] ~ x;") == "MODEL: { i in 1:2 } : part: y[i] ~ x;\n"


def test_what_cannot_be_read_is_not_formatted() -> None:
    with pytest.raises(BlimpError, match="never closed"):
        format_script("MODEL: y ~ (x;")


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("VARIABLES: id Intercept;", "VARIABLES: id Intercept;\n"),
        ("LATENT: Intercept And;", "LATENT: Intercept And;\n"),
        ("MODEL: y ~ Intercept@Intercept x;", "MODEL: y ~ intercept@Intercept x;\n"),
        ("MODEL: y ~ (x - Intercept) ((x > 1) AND (x < 3));", "MODEL: y ~ (x - Intercept) ((x > 1) and (x < 3));\n"),
    ],
)
def test_words_that_are_names(text: str, formatted: str) -> None:
    assert format_script(text) == formatted
    assert parse(formatted) == parse(text)
