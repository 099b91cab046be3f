"""`python -m services.mailer`: serve, migrate, or one of the operator's commands."""

from services.mailer.app import open_service
from services.mailer.commands import COMMANDS
from services.mailer.config import Config
from shared.main import main

main("mailer", Config, open_service, COMMANDS)
