import os

import pytest

from recording import Engine, view
from screen import Screen, program


@pytest.fixture
def dashboard(tmp_path, monkeypatch):
    """dashboard(view, rows, cols, options, env) -> (screen, engine): the program on a pty before a recorded engine.

    The state dir is given by a short relative name, so that commands on the screen read the same on every machine.
    """
    opened = []
    monkeypatch.chdir(tmp_path)

    def start(picture, rows=24, cols=80, options=(), env=None):
        folder = f"state{len(opened) or ''}"
        if not os.path.exists(folder):
            os.mkdir(folder)
        engine = Engine(str(tmp_path / folder), view(picture) if isinstance(picture, str) else picture)
        screen = Screen([program(), "--state-dir", folder, *options], rows, cols, env)
        opened.append((screen, engine))
        return screen, engine

    yield start
    for screen, engine in opened:
        screen.close()
        engine.stop()
