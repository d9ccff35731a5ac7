"""What two refused records have in common: the words of the reason, without the values in it."""


def without_values(reason: str) -> str:
    """DuckDB SQL of a reason's words alone: what stands in quotes, times, and numbers after a colon are taken out.

    A value may contain quotes, so everything from the first to the last is taken out; one with an apostrophe stands in double
    quotes, as Python writes it.
    """
    quoted = f"""regexp_replace({reason}, '[''"].*[''"]', '''…''', 's')"""
    timeless = rf"regexp_replace({quoted}, '\d{{4}}-\d\d-\d\d[T ][-+:.\dZ]*', '…', 'g')"
    return rf"regexp_replace({timeless}, ': [-+]?\d[-+.:\deE]*', ': …', 'g')"
