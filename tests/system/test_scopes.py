"""The scope matrix (R50), made from the descriptions: every operation, asked by every kind of caller."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import scopes
from tests.support.scopes import Operation, World


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with scopes.world(database_url, tmp_path / "blobs") as running:
        yield running


@pytest.mark.parametrize("service", ["auth", "deploy"])
async def test_r50_each_operation_lets_in_whom_its_description_says_and_nobody_else(world: World, service: str) -> None:
    """R50: each scope alone, a browser, nobody, an expired key, a stranger, keys bound to a site, claim tokens."""
    described = scopes.operations(service)
    assert len(described) >= 6
    wrong = await world.wrong_cells(described)
    assert not wrong, "\n".join(wrong)


def operation(name: str) -> Operation:
    return next(each for service in ("auth", "deploy") for each in scopes.operations(service) if each.name == name)


PLANTED = {
    "listKeys": "any",
    "showMe": "keys",
    "changeEmail": "any",
    "revokeAll": "full",
    "createDeployment": "read",
    "listDeployments": "any",
    "listSubmissions": "deploy",
}


async def test_r50_a_description_that_says_something_else_is_found(world: World) -> None:
    """R50: planted on purpose: less than is needed, more than is needed, something else."""
    for name, scope in PLANTED.items():
        assert await world.wrong_cells([replace(operation(name), scope=scope)]) != [], name


def test_deploy_and_webhooks_include_read_and_nothing_else_includes_anything() -> None:
    assert [scope for scope in scopes.SCOPES if scopes.may([scope], "read")] == ["full", "deploy", "read", "webhooks"]
    for wanted in ("deploy", "submissions", "webhooks", "keys"):
        assert [scope for scope in scopes.SCOPES if scopes.may([scope], wanted)] == ["full", wanted]
