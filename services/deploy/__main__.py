"""`python -m services.deploy`: serve, migrate, or one of the operator's commands."""

from services.deploy.app import open_service
from services.deploy.commands import COMMANDS
from services.deploy.config import Config
from shared.main import main

main("deploy", Config, open_service, COMMANDS)
