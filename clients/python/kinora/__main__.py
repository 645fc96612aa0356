"""The entry point of the `kinora` command, which needs the extra `cli`."""

import sys


def main() -> None:
    """Run the command, or say how to install it."""
    try:
        from .command import main as command  # noqa: PLC0415  # its packages may be missing
    except ModuleNotFoundError as missing:
        sys.exit(f"The package {missing.name} is missing: install the command with `pip install 'kinora[cli]'`.")
    command()


if __name__ == "__main__":
    main()
