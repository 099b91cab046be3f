"""What deploy tells the audit trail of credentials that were refused."""

from shared.events import Audited
from tests.support.deploying import Deploy
from tests.support.eventually import eventually


def told(deploy: Deploy) -> list[Audited]:
    events = [envelope.event() for envelope in deploy.bus.published]
    return [event for event in events if isinstance(event, Audited) and event.action == "scope.denied"]


async def test_r51_a_refused_scope_is_told_once_a_minute(deploy: Deploy) -> None:
    """R51: through the outbox, for each credential and scope."""
    key = deploy.key(scopes=("read",), account="acc_1", credential_id="key_1")
    for _ in range(3):
        assert (await deploy.call("POST", "/deploy", key=key, json={"html": "x"})).status == 403
    assert (await deploy.call("GET", "/submissions/dep_0000000000000000", key=key)).status == 403
    await eventually(lambda: len(told(deploy)) == 2)
    first, second = told(deploy)
    assert (first.account_id, first.action, first.actor, first.key_id) == ("acc_1", "scope.denied", "key_1", "key_1")
    assert (first.ip, first.detail) == ("127.0.0.1", {"scope": "deploy", "operation": "POST /deploy"})
    assert second.detail == {"scope": "submissions", "operation": "GET /submissions/{id}"}


async def test_what_is_allowed_is_no_denial(deploy: Deploy, key: str) -> None:
    await deploy.publish(key)
    assert (await deploy.call("GET", "/deploy", key="inv_" + "0" * 36)).status == 401
    assert told(deploy) == []
