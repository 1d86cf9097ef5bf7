"""A random workload of several clients, during the snapshot and after it: both ends are equal when caught up. The same while the
engine is killed again and again. Seeds are printed and can be set: SLUICE_SEED."""

import os
import random
import time

import pytest
from harness import workload
from harness.engine import SANITIZED
from harness.fixtures import KIND
from harness.process import wait_until

SEED = int(os.environ.get("SLUICE_SEED") or random.SystemRandom().randrange(1 << 31))
SHORT = SANITIZED or KIND != "mariadb"
SECONDS = 10 if SHORT else 30
AFTER = 5  # seconds of work at least behind the snapshot, and behind the last kill
PATIENCE = 240  # seconds; what a snapshot, or ten restarts, may take
ROWS = 30_000 if SHORT else 300_000


def begin(pipe, seed):
    """Tables with rows, clients at work until finish(), and the pipe created a moment later, at the latest now."""
    workload.create(pipe.mariadb, pipe.source, ROWS)
    # Every version stays to be looked at: nothing merges in tables made with these settings, not even the pipe's.
    pipe.clickhouse.query(f"CREATE DATABASE IF NOT EXISTS {pipe.destination}")
    clients = workload.Workload(pipe.mariadb, pipe.source, seed).start(PATIENCE)
    wait_until(lambda: clients.statements > 100 or not clients.running(), PATIENCE, "clients are at work")
    return clients


def keep_versions(pipe):
    """Merges end as soon as a table is there; those that ran before it took whole rows of equal keys away, and nothing else."""
    for table in workload.TABLES:
        pipe.clickhouse.query(f"SYSTEM STOP MERGES {pipe.destination}.{table}")


def finish(pipe, clients, seed):
    assert clients.running(), "the workload had ended before"
    time.sleep(max(AFTER, SECONDS - clients.seconds()))
    statements = clients.stop()
    rows = pipe.equal(*workload.TABLES, seconds=180)
    faults = "\n".join(filter(None, (workload.version_faults(pipe.clickhouse, pipe.destination, t) for t in workload.TABLES)))
    assert not faults, f"seed {seed}: {faults}"
    print(f"seed {seed}: {statements} statements, {rows} rows equal")


@pytest.mark.core
def test_random_workload_during_and_after_the_snapshot(pipe):
    print(f"seed {SEED}")
    clients = begin(pipe, SEED)
    pipe.create(settings=["readers=2"])
    pipe.wait("Snapshot", "Running")
    keep_versions(pipe)
    pipe.wait("Running", seconds=120)
    finish(pipe, clients, SEED)


@pytest.mark.core
@pytest.mark.servers
def test_random_workload_with_ten_kills(pipe):
    seed = SEED ^ 1
    print(f"seed {seed}")
    rng = random.Random(seed)
    clients = begin(pipe, seed)
    # Small batches: more moments in which to be killed.
    pipe.create(settings=["readers=2", "batch_rows=5000", "batch_age=200ms"])
    pipe.wait("Snapshot", "Running")
    keep_versions(pipe)
    for kill in range(10):
        time.sleep(rng.uniform(0.05, 1.2 if kill < 5 else 3.0) * (2 if SANITIZED else 1))
        pipe.engine.kill()
        pipe.engine.start()
    pipe.wait("Running", seconds=120)
    finish(pipe, clients, seed)


def test_one_transaction_of_many_rows(pipe):
    pipe.run("CREATE TABLE big (id INT PRIMARY KEY, v VARCHAR(100), n INT NOT NULL)")
    pipe.live(settings=["batch_rows=20000"])
    pipe.run("INSERT INTO big SELECT seq, REPEAT(CHAR(65 + seq % 26), seq % 100), 0 FROM seq_1_to_300000")
    assert pipe.equal("big", seconds=120) == 300_000
    pipe.run("UPDATE big SET n = n + 1, v = IF(id % 2, NULL, v)")
    pipe.run("DELETE FROM big WHERE id % 10 = 0")
    assert pipe.equal("big", seconds=120) == 270_000


def test_many_small_transactions(pipe):
    pipe.run("CREATE TABLE small (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    pipe.run("CREATE PROCEDURE work(n INT) BEGIN DECLARE i INT DEFAULT 0; WHILE i < n DO INSERT INTO small (v) VALUES (i); "
             "UPDATE small SET v = v + 1 WHERE id = CAST(LAST_INSERT_ID() AS SIGNED) - 3; DELETE FROM small WHERE id = CAST(LAST_INSERT_ID() AS SIGNED) - 10 AND i % 5 = 0; "
             "SET i = i + 1; END WHILE; END")  # fmt: skip
    pipe.live()
    pipe.run("CALL work(5000)")
    assert pipe.equal("small") > 3000
