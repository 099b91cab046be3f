"""`python -m services.mailer serve` and `migrate`."""

from services.mailer.app import open_service
from services.mailer.config import Config
from shared.main import main

main("mailer", Config, open_service)
