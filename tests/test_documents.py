"""What is written for people says what the code does."""

import re
from pathlib import Path

import pytest

from services.auth.config import Config as AuthConfig
from services.deploy.config import Config as DeployConfig
from services.mailer.config import Config as MailerConfig
from services.standalone.config import Config as StandaloneConfig

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("config", [AuthConfig, DeployConfig, MailerConfig, StandaloneConfig])
def test_env_example_lists_every_variable(config: type[AuthConfig]) -> None:
    listed = set(re.findall(r"^#? ?(INVOKER_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert {f"INVOKER_{name.upper()}" for name in config.model_fields} <= listed


def test_env_example_lists_every_variable_of_compose() -> None:
    listed = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert used <= listed


def test_readme_is_short_and_names_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) <= 120
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", readme)) <= targets
