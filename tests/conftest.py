"""Fixtures that tests of several rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import CASCADE, CLIENTS, SINTEF, files_of, published
from hypothesis import settings

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.schema import ClientInputs, read_client

# A slow machine is no fault of what is tested: pytest's own time limit ends what hangs.
settings.register_profile("hydrobid", deadline=None)
settings.load_profile("hydrobid")

LOCAL_CLOUD_TESTS = {Path(__file__).parent / room for room in ("e2e", "chaos")}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker have all tests that start a local cloud, and begin with them: they take long."""

    def starts_a_cloud(item: pytest.Item) -> bool:
        return bool(LOCAL_CLOUD_TESTS & set(item.path.parents))

    items.sort(key=lambda item: not starts_a_cloud(item))
    for item in items:
        if starts_a_cloud(item):
            item.add_marker(pytest.mark.xdist_group("local-cloud"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to go on where groups of tests would not be kept on one worker, as nobody would notice."""
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            group = item.get_closest_marker("xdist_group")
            if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
                raise pytest.UsageError(f"pytest-xdist does not see the group of {item.nodeid}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell which backends the contract suite ran over, and where Google's own came from."""
    ran: dict[str, list[dict[str, object]]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        properties = dict(report.user_properties)
        if report.when == "call" and "backend" in properties:
            ran.setdefault(str(properties["backend"]), []).append(properties)
    if ran:
        terminalreporter.section("backends of the contract suite")
    for backend, tests in sorted(ran.items()):
        sources = {str(test["backend_source"]) for test in tests if "backend_source" in test}
        source = f" ({', '.join(sorted(sources))})" if sources else ""
        terminalreporter.line(f"{backend}: {len(tests)} tests{source}")
    if ran and "official" not in ran:
        terminalreporter.line("official: did not run; the reason is among the skipped tests")


@pytest.fixture(scope="session")
def sintef_inputs() -> ClientInputs:
    return read_client(files_of(CLIENTS / SINTEF), SINTEF)


@pytest.fixture(scope="session")
def cascade_inputs() -> ClientInputs:
    return read_client(files_of(CLIENTS / CASCADE), CASCADE)


@pytest.fixture
def sintef(sintef_inputs: ClientInputs) -> InProcessPipeline:
    """The SINTEF example in one process, its inputs published, at half past ten."""
    return published(sintef_inputs)


@pytest.fixture
def cascade(cascade_inputs: ClientInputs) -> InProcessPipeline:
    """The cascade example in one process, its inputs published, at half past ten."""
    return published(cascade_inputs)
