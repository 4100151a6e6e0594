"""What stops `dynamo up` from starting."""


class StartError(Exception):
    """Carries one sentence for the person at the terminal, and the exit code."""

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
