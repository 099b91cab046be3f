"""What is wrong with a page that was asked for, all of it at once."""

from collections.abc import Sequence


class PageError(ValueError):
    """The page cannot be made: each problem says where it is and what to do about it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
