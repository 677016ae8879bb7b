"""Other solvers are named to the local cloud, which tells its solvers and nobody else."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ClientId
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.services import Blueprint
from hydrobid.local_cloud.settings import LocalCloudSettings
from hydrobid.local_cloud.state import CloudState

NAMED = {"shop": ["/opt/solvers/shop", "--quiet"]}
VARIABLE = "HYDROBID_EXTERNAL_SOLVERS"


def services(tmp_path: Path):
    state = CloudState.model_construct(
        project="p",
        location="l",
        home=Path(__file__).parents[3],
        clients_dir=tmp_path,
        clients=(ClientId("sintef-example"),),
        ports=defaultdict(lambda: 1),
        outside={},
        processes={},
    )
    settings = LocalCloudSettings.from_environment()
    return Blueprint(DataFolder(tmp_path), settings, state).services()


def test_services__other_solvers_are_told_to_the_solver_alone(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, json.dumps(NAMED))
    told = {
        name: json.loads(service.environment[VARIABLE])
        for name, service in services(tmp_path).items()
        if VARIABLE in service.environment
    }

    assert told == {"sintef-example-solver": NAMED}


def test_services__no_other_solvers_no_word_of_them(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)

    assert not any(VARIABLE in service.environment for service in services(tmp_path).values())


@pytest.mark.parametrize("stated", ["{shop", '{"shop": "run"}', '{"hydrobid": ["run"]}'])
def test_local_cloud_settings__other_solvers_that_cannot_be(monkeypatch, stated):
    monkeypatch.setenv(VARIABLE, stated)

    with pytest.raises(InvalidInput, match=VARIABLE):
        LocalCloudSettings.from_environment()
