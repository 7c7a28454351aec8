"""The list of refused constructs may only become shorter: what is sampled today stays sampled."""

from __future__ import annotations

from blimp2pymc.joint_model.refusals import COMMANDS, GROUP_CENTERING, OPTIONS, REFUSALS

RECORDED = {
    "simulate",
    "fcs",
    "by-group",
    "weights",
    "multilevel",
    "random-effects",
    "named-random-effects",
    "group-centering",
    "cluster-mean",
    "time",
    "lag",
    "dropout",
    "implied-variance-constraint",
    "option",
    "save-kind",
}
"""Codes refused when this was last edited. Take out a code with the refusal; never add one."""

RECORDED_COMMANDS = {
    "SIMULATE",
    "FCS",
    "BYGROUP",
    "WEIGHT",
    "CLUSTERID",
    "RANDOMEFFECT",
    "TIMEID",
    "DROPOUT",
}
RECORDED_OPTIONS = {
    "nodrop",
    "hev",
    "manifest",
}


def test_no_construct_is_refused_anew() -> None:
    assert REFUSALS.keys() - RECORDED == set()
    assert COMMANDS.keys() - RECORDED_COMMANDS == set()
    assert OPTIONS.keys() - RECORDED_OPTIONS == set()


def test_what_is_no_longer_refused_has_left_the_list() -> None:
    assert RECORDED - REFUSALS.keys() == set()
    assert RECORDED_COMMANDS - COMMANDS.keys() == set()
    assert RECORDED_OPTIONS - OPTIONS.keys() == set()


def test_tables_name_constructs_of_the_list() -> None:
    assert {*COMMANDS.values(), *OPTIONS.values()} <= REFUSALS.keys()
    assert len(GROUP_CENTERING) == 2
