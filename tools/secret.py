"""Seeds that a lecturer keeps: numbers follow from them, so that nobody else may guess one."""

import hashlib

LEAST = 12
ONE = 'python -c "import secrets; print(secrets.token_hex(8))"'


def kept(seed: str) -> str:
    """Give a seed that nobody guesses.

    Raises:
        ValueError: it is shorter than 12 characters. Questions are public and so is the code that draws
            numbers: whoever has an exercise's text can try a million short seeds in a few minutes.
    """
    if len(seed.strip()) < LEAST:
        raise ValueError(
            f"the seed {seed!r} has {len(seed.strip())} characters, and {LEAST} or more are expected, "
            f"or a student could guess it from the numbers of one exercise; this makes one: {ONE}"
        )
    return seed.strip()


def number_of(seed: str) -> int:
    """Turn a seed into a number."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")


def short(seed: str) -> str:
    """Name what was made of a seed without telling it."""
    return hashlib.sha256(f"name {seed}".encode()).hexdigest()[:6]
