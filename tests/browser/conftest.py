"""Tests in a real browser are left out unless they are asked for: `make browser`, or `pytest -m browser`."""


def pytest_collection_modifyitems(config, items):
    """Deselect them in an ordinary run, which must need nothing beyond the environment."""
    if "browser" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
