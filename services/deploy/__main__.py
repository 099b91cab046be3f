"""`python -m services.deploy`: serve, or migrate."""

from services.deploy.app import open_service
from services.deploy.config import Config
from shared.main import main

main("deploy", Config, open_service)
