import pytest

from recording import Engine, view
from screen import Screen, program


@pytest.fixture
def dashboard(tmp_path):
    """dashboard(view, rows, cols, options, env) -> (screen, engine): the program on a pty before a recorded engine.

    The state dir is the default one of a home of its own, so that commands on the screen read the same on every machine.
    """
    opened = []

    def start(picture, rows=24, cols=80, options=(), env=None, sync=None):
        home = tmp_path / str(len(opened))
        (home / "sluice").mkdir(parents=True)
        engine = Engine(str(home / "sluice"), view(picture) if isinstance(picture, str) else picture)
        screen = Screen([program(), *options], rows, cols, {"XDG_STATE_HOME": str(home), **(env or {})}, sync)
        opened.append((screen, engine))
        return screen, engine

    yield start
    for screen, engine in opened:
        screen.close()
        engine.stop()
