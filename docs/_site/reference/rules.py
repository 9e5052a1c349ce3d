"""Makes the table of the rules of `streamify check` from the code."""

from lambda_streamify_emulator.checks.run import RULES


def rules() -> list[dict[str, str]]:
    """Return the rows of the table: each rule with a link to its section, its severity, and the mistake."""
    return [{"rule": f"[`{rule.name}`](#{rule.name})", "severity": rule.severity, "what": rule.what} for rule in RULES]
