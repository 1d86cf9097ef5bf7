"""Settings of a pipe, of single tables, and of the engine: looked at and changed in place."""
import recording

def opened(dashboard, rows=24, cols=80):
    screen, engine = dashboard("six", rows, cols)
    engine.answers["set"] = recording.settings
    screen.wait("orders").settle().press("/", "orders", "enter", "e").wait("› settings").wait("batch_rows").settle()
    return screen, engine


def sent(engine):
    return [request["settings"] for request in engine.requests if request["do"] == "set" and request["settings"]]


def test_a_choice(dashboard):
    screen, engine = opened(dashboard)
    screen.press("j", "j", "j", "j", "j", "enter").wait("‹ lz4 ›").press("right").wait("‹ zstd ›").press("q").settle()
    assert not sent(engine)  # nothing before Enter
    screen.press("esc").wait_gone("‹").press("enter", "right", "enter").wait("compression is zstd. It takes effect at once")
    screen.wait(r"\$ sluice set orders compression=zstd$")
    assert sent(engine) == [{"compression": "zstd"}]


def test_a_value_that_is_refused_stays_to_be_mended(dashboard):
    screen, engine = opened(dashboard)
    engine.answers["set"] = {"error": {"code": 2, "message": "setting batch_rows cannot be none; it takes 1 to 1000000"}}
    screen.press("enter", "^U", "none", "enter").wait("setting batch_rows cannot be none; it takes 1 to 1000000").wait("▸ batch_rows +none")
    engine.answers["set"] = recording.settings
    screen.press("^U", "5000").wait_gone("cannot be none").press("enter").wait("batch_rows is 5000")
    assert sent(engine) == [{"batch_rows": "none"}, {"batch_rows": "5000"}]


def test_what_waits_and_what_is_fixed(dashboard):
    screen, engine = opened(dashboard)
    screen.press("/", "tinyint1", "enter").wait("waits for resync").wait("made with another value keep that").settle()
    screen.press("esc", "/", "cluster", "enter").settle().press("enter").wait("Fixed when the pipe was created")
    assert not sent(engine)


def test_settings_of_a_table(dashboard):
    screen, engine = opened(dashboard)
    screen.press("a", "enter").wait("‹ exclude ›").press("enter", "enter").wait("name the table first")
    screen.press("esc", "a").press("down", "enter", "left", "enter", "created + INTERVAL 1 DAY", "enter")
    screen.wait("shop.orders:ttl is created").wait(r"\$ sluice set orders 'shop.orders:ttl=created \+ INTERVAL 1 DAY'")
    assert sent(engine)[-1] == {"shop.orders:ttl": "created + INTERVAL 1 DAY"}
    screen.press("/", "order_by", "enter").wait("Like id, created; empty takes it away").press("enter", "^U", "enter").wait("is not set any more|order_by")
    assert sent(engine)[-1] == {"shop.orders:order_by": ""}


def test_settings_of_the_engine(dashboard):
    screen, engine = opened(dashboard)
    screen.press("tab").wait("settings of the engine").wait("▸ memory").press("enter", "^U", "512MiB", "enter").wait(r"\$ sluice set --engine memory=512MiB")
    assert engine.wait_for("set")["engine"] is True
    screen.press("tab").wait("orders › settings").wait("batch_rows").press("esc").wait("HEADROOM")
