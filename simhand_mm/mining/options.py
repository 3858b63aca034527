"""Options of a mining run as they are written on a command line."""


def parse_ranks(text: str) -> tuple[int, ...]:
    """``"1,2,50"`` -> ranks."""
    numbers = text.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise ValueError(f"ranks must be numbers with commas between, but got {text!r}.")
    return tuple(int(number) for number in numbers)


def parse_options(items: list[str]) -> dict[str, int | str]:
    """``["num_threads=4", "device=cuda:1"]`` -> options of an engine."""
    options = {}
    for item in items:
        key, is_pair, value = item.partition("=")
        if not is_pair:
            raise ValueError(f"engine options must be KEY=VALUE, but got {item!r}.")
        options[key] = int(value) if value.isdecimal() else value
    return options
