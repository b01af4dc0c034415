"""Layered settings: defaults, overridden by what the user wrote."""


def merged(defaults, overrides):
    """Merge two nested dicts; where both have a value that is no dict, the override wins."""
    result = dict(defaults)
    for key, value in overrides.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result = merged(result[key], value)
        else:
            result[key] = value
    return result
