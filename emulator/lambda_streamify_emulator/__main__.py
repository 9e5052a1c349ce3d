"""The `streamify` command."""

import sys

MISSING = "streamify needs the emulator's dependencies: pip install 'lambda-streamify[emulator]'"


def main() -> None:
    """Run the command, or name the line that installs what it needs."""
    try:
        from .commands.cli import app

        app()
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith(__package__):
            raise
        print(f"{MISSING} ({error.name} is missing)", file=sys.stderr)  # noqa: T201 - the command's own output
        sys.exit(2)


if __name__ == "__main__":
    main()
