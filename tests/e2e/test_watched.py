"""Who watches without a screen: Prometheus, and the operator's command when something happens."""

import re
import socket
import urllib.error
import urllib.request

import pytest
from harness.engine import PATIENCE
from harness.process import wait_until


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def samples(text):
    """{name{labels}: value}; every line is a comment or a sample, and every metric told once."""
    found, families = {}, []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.append(line.split()[2])
        if line.startswith("#"):
            continue
        name, value = re.fullmatch(r'([a-z_]+(?:\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\})?) (-?[0-9.]+)', line).groups()
        assert name not in found, name
        assert name.partition("{")[0] == families[-1], line
        found[name] = float(value)
    assert len(families) == len(set(families))
    return found


def test_figures_for_prometheus(pipe):
    pipe.run('CREATE TABLE `a "b"` (id INT PRIMARY KEY)')
    pipe.run('INSERT INTO `a "b"` VALUES (1), (2)')
    pipe.live()
    pipe.run('INSERT INTO `a "b"` VALUES (3)')
    pipe.run('DELETE FROM `a "b"` WHERE id = 1')
    pipe.caught_up()
    shown = samples(pipe.engine.sluice("status", "--prometheus").out)
    table = f'{{pipe="p",table="{pipe.source}.a \\"b\\""}}'
    assert shown["sluice_up"] == 1
    assert shown['sluice_pipe_state{pipe="p",state="Running"}'] == 1 and shown['sluice_pipe_state{pipe="p",state="Failed"}'] == 0
    assert shown["sluice_table_inserts_total" + table] == 1 and shown["sluice_table_deletes_total" + table] == 1
    assert shown['sluice_pipe_stalled{pipe="p"}'] == 0 and shown['sluice_pipe_snapshot_rows{pipe="p"}'] == 2
    port = free_port()
    pipe.engine.sluice("set", "--engine", f"metrics=127.0.0.1:{port}")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert samples(answer.read().decode()).keys() == shown.keys()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30)
    # An address that is taken changes nothing: the old one goes on.
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert "cannot listen on" in pipe.engine.sluice("set", "--engine", f"metrics=127.0.0.1:{taken}", ok=1).err
    assert "cannot be 127.0.0.1" in pipe.engine.sluice("set", "--engine", "metrics=127.0.0.1", ok=2).err
    urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).close()
    pipe.engine.sluice("set", "--engine", "metrics=none")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30)
    pipe.engine.stop()
    assert samples(pipe.engine.sluice("status", "--prometheus").out)["sluice_up"] == 0


def test_the_operators_command(engine, own_mariadb, clickhouse, folder):
    from harness.pipe import Pipe

    engine.start()
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    said = folder / "said"
    engine.sluice("set", "--engine", f'on_event=printf "%s|%s|%s|%s\\n" "$SLUICE_PIPE" "$SLUICE_EVENT" "$SLUICE_STATE" "$SLUICE_CAUSE" >> {said}; sleep 100')

    def told(pattern):
        return wait_until(lambda: said.exists() and re.search(pattern, said.read_text(), re.M), 60 * PATIENCE, lambda: said.exists() and said.read_text())

    pipe.run("CREATE TABLE t (id INT PRIMARY KEY)")
    pipe.live()
    told(r"^p\|state\|Running\|$")
    pipe.mariadb.stop()
    told(r"^p\|stalled\|Running\|.*(refused|lost|connect|reach)")
    pipe.mariadb.start()
    told(r"^p\|recovered\|Running\|$")
    engine.sluice("pause", "p", "--wait")
    told(r"^p\|state\|Paused\|$")
    engine.stop()  # it waits for none of them
    engine.start()
    engine.sluice("resume", "p")
    told(r"^p\|state\|Running\|$")
    assert said.read_text().count("|Paused|") == 1  # what is so when it begins is no event
