"""The `streamify` command."""

import sys

MISSING_DEPENDENCY = "streamify needs the emulator's dependencies: pip install 'lambda-streamify[emulator]'"


def main() -> None:
    """Run the command. If a dependency is missing, print the pip command that installs it."""
    try:
        from .commands.cli import app

        app()
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith(__package__):
            raise
        print(f"{MISSING_DEPENDENCY} ({error.name} is missing)", file=sys.stderr)  # noqa: T201 - the command's own output
        sys.exit(2)


if __name__ == "__main__":
    main()
