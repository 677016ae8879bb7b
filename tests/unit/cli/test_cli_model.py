"""`hydrobid model`: an operator's model checked, its schemas printed, its fixtures tried."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from shop_documents import as_bytes, standard_example

from hydrobid.cli.clients import inputs_in
from hydrobid.schema.yaml_document import read_yaml

CHECKOUT = Path(__file__).parents[3]
NAME = "highland-example"


@pytest.fixture
def models(command, tmp_path):
    """The command beside a copy of the example of an operator's model."""
    command.clients_dir = tmp_path / "clients"
    shutil.copytree(CHECKOUT / "shared" / "operator-models", command.clients_dir)
    return command


def test_check__tells_what_instances_become(models):
    told = json.loads(models("model", "check", NAME, "--json").stdout)

    assert told["model"] == {"name": "highland", "version": 1}
    assert told["instances"]["Machine"] == 3
    assert told["elements"]["unit"] == 2
    assert told["carried"]["Lake"] == {"Tarn": {"keeper": "the farm by the dam"}}
    assert "Becomes" in models("model", "check", NAME).stdout


def test_check__names_what_is_wrong_where_the_operator_has_it(models):
    lakes = models.clients_dir / NAME / "instances" / "lakes.csv"
    lakes.write_text(lakes.read_text().replace("897.5", "907.5"))

    (problem,) = models.problems("model", "check", NAME)

    assert (problem["document"], problem["field"]) == (f"{NAME}/instances/lakes.csv", "Tarn")
    assert "the level lies between lrv and hrv" in problem["expected"]


def test_check__a_client_without_a_model(models):
    client = models.clients_dir / NAME / "client.yaml"
    client.write_text(client.read_text().replace("model: model/model.yaml\n", ""))

    (problem,) = models.problems("model", "check", NAME)

    assert problem["field"] == "model"


def test_test__the_examples_fixtures_pass(models):
    result = models("model", "test", NAME)

    assert result.exit_code == 0, result.output
    assert "3 of 3 fixtures passed" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("volume_max: 40", "volume_max: 41", "fixtures[0].becomes.reservoir.Tarn.volume_max"),
        ("in: North", "in: South", "fixtures[0].becomes.reservoir.Tarn.in"),
        ("{keeper: K}", "{keeper: L}", "fixtures[0].carried.Lake.Tarn.keeper"),
        ("becomes:\n      unit:", "becomes:\n      unit:\n        X: {}", "fixtures[1].becomes.unit.X"),
        ("becomes:\n      unit:", "becomes:\n      units:", "fixtures[1].becomes.units"),
        ("refused: [Lake.Tarn]", "refused: [Lake.Tarn.level]", "fixtures[2].refused"),
        ("refused: [Lake.Tarn]", "becomes: {}", "fixtures[2].given.Lake.Tarn"),
        ("rated: 62000, hill", "ratd: 62000, hill", "fixtures[1].given.Machine.High-1.ratd"),
    ],
)  # fmt: skip
def test_test__says_where_something_else_came_out(models, old, new, field):
    path = models.clients_dir / NAME / "model" / "fixtures.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    result = models("model", "test", NAME, "--json")

    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    differences = [d["field"] for fixture in told["fixtures"] for d in fixture["differences"]]
    assert field in differences
    assert "failed  " in models("model", "test", NAME).stdout


def test_schema__of_a_type_takes_its_instances(models):
    schema = json.loads(models("model", "schema", "Machine", "--client", NAME).stdout)

    Draft202012Validator.check_schema(schema)
    path = models.clients_dir / NAME / "instances" / "machines.yaml"
    Draft202012Validator(schema).validate(read_yaml(path.read_bytes(), path.name))


def test_schema__of_documents_of_hydrobid(models):
    schema = json.loads(models("model", "schema", "mapping").stdout)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("maping",), "mapping perhaps"), (("Machin", "--client", NAME), "Machine perhaps")],
)
def test_schema__names_those_that_there_are(models, arguments, expected):
    result = models("model", "schema", *arguments)

    assert result.exit_code == 2
    assert expected in result.stderr


@pytest.fixture
def old_client(command, tmp_path):
    """The command beside the first form of an example's documents, and its folder."""
    folder = tmp_path / "clients" / "sintef-example"
    shutil.copytree(CHECKOUT / "shared" / "clients" / "sintef-example", folder)
    kept = CHECKOUT / "tests" / "unit" / "schema" / "versions" / "1" / "sintef-example.yaml"
    shutil.copyfile(kept, folder / "client.yaml")
    water = folder / WATERCOURSE
    water.write_text(water.read_text().replace("version: 2", "version: 1", 1))
    command.clients_dir = folder.parent
    return command, folder


def test_migrate__dry_run_writes_nothing(old_client):
    command, folder = old_client
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    result = command("model", "migrate", "sintef-example", "--dry-run")

    assert result.exit_code == 0, result.output
    assert "client.yaml: from version 1; assets, cut_offs, stages changed" in result.stdout
    assert "2 documents would be lifted" in result.stdout
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_migrate__lifts_what_is_old_and_keeps_it_beside(old_client):
    command, folder = old_client
    inputs, client = inputs_in(folder), (folder / "client.yaml").read_bytes()
    water = (folder / WATERCOURSE).read_text()

    told = json.loads(command("model", "migrate", "sintef-example", "--json").stdout)

    assert [(d["document"], d["comments_kept"]) for d in told["documents"]] == [
        ("client.yaml", False),
        (WATERCOURSE, True),
    ]
    assert (folder / "client.yaml.v1").read_bytes() == client
    assert (folder / WATERCOURSE).read_text() == water.replace("version: 1", "version: 2", 1)
    assert inputs_in(folder) == inputs
    assert "0 documents lifted" in command("model", "migrate", "sintef-example").stdout


WATERCOURSE = "watercourses/shop-standard-example.yaml"


def test_migrate__a_client_with_faults_is_mended_first(old_client):
    command, folder = old_client
    path = folder / "client.yaml"
    path.write_text(path.read_text().replace("market: nordic", "market: nordik"))

    (problem,) = command.problems("model", "migrate", "sintef-example")

    assert problem["field"] == "market"
    assert not (folder / "client.yaml.v1").exists()


def test_diff__tells_changes_and_whether_they_are_compatible(models, tmp_path):
    before = models.clients_dir / NAME / "model" / "model.yaml"
    after = tmp_path / "model.yaml"
    text = before.read_text().replace("version: 1\n", "version: 2\n", 1)
    after.write_text(text.replace("keeper: {type: text", "guard: {type: text"))

    result = models("model", "diff", before, after)

    assert result.exit_code == 1
    assert (
        "types.Lake.properties.keeper: the property is gone; renamed to guard perhaps"
        in result.stdout
    )
    assert "2 changes, not compatible." in result.stdout
    told = json.loads(models("model", "diff", before, after, "--json").stdout)
    assert [d["compatible"] for d in told["differences"]] == [True, False]
    assert models("model", "diff", before, before).stdout == "Nothing changed.\n"


CASE = "standard.yaml"


@pytest.fixture
def shop_case(tmp_path):
    """A SHOP case in a file."""
    path = tmp_path / CASE
    path.write_bytes(as_bytes(standard_example()))
    return path


def test_import__of_a_shop_case_is_a_client_that_is_listed(command, shop_case, tmp_path):
    clients = tmp_path / "imported"

    result = command("model", "import", shop_case, "--price-area", "NO2", "--out", clients)

    assert result.exit_code == 0, result.output
    assert "defaulted  market: nordic, price area NO2" in result.stdout
    assert "Its prices are of 2018-01-24 to 2018-01-25." in result.stdout
    command.clients_dir = clients
    listed = json.loads(command("clients", "--json").stdout)
    assert [c["client"] for c in listed["clients"]] == ["standard"]


def test_import__does_not_write_over_a_client(command, shop_case, tmp_path):
    assert command("model", "import", shop_case, "--out", tmp_path).exit_code == 0

    (problem,) = command.problems("model", "import", shop_case, "--out", tmp_path)

    assert problem["field"] == "--out"


def test_import__accounts_for_everything_in_json(command, shop_case, tmp_path):
    told = json.loads(command("model", "import", shop_case, "--out", tmp_path, "--json").stdout)

    account = read_yaml((tmp_path / "standard" / "import.yaml").read_bytes(), "import.yaml")
    assert {name: told[name] for name in account} == account


@pytest.mark.parametrize("source", ["nowhere.yaml", "."])
def test_import__of_what_is_no_source(command, tmp_path, source):
    (problem,) = command.problems("model", "import", tmp_path / source, "--out", tmp_path)

    assert problem["value"]
