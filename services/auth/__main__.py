"""`python -m services.auth`: serve, or migrate."""

from services.auth.app import open_service
from services.auth.config import Config
from shared.main import main

main("auth", Config, open_service)
