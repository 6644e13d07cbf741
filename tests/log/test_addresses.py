"""What a log is called to people."""

import pytest

from autopack.log.addresses import masked


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://ann:secret@db.host:5432/logs", "postgresql://ann:***@db.host:5432/logs"),
        ("postgresql://ann:p@ss/w:rd@host/logs", "postgresql://ann:***@host/logs"),
        ("postgresql://:secret@host/logs", "postgresql://:***@host/logs"),
        ("postgresql://ann:secret@[::1]:x/logs", "postgresql://ann:***@[::1]:x/logs"),
        ("pg://host/logs?sslmode=on&password=secret", "pg://host/logs?sslmode=on&password=***"),
        ("pg://host/logs?auth_token=secret;x=1#a", "pg://host/logs?auth_token=***;x=1#a"),
        ("cannot reach 'pg://a:secret@h/x': refused", "cannot reach 'pg://a:***@h/x': refused"),
        ("sqlite:////data/a:b@c.db", "sqlite:////data/a:b@c.db"),
        ("postgresql://host:5432/logs", "postgresql://host:5432/logs"),
        ("/data/work.db", "/data/work.db"),
        ("C:\\data\\work.db", "C:\\data\\work.db"),
    ],
)
def test_a_password_in_a_url_is_masked(given, shown):
    """Passwords and secret parameters of URLs are not shown, wherever they stand in a text."""
    assert shown == masked(given)


def test_an_error_of_the_command_line_shows_no_password():
    """A log that cannot be opened is named without its password."""
    from click.testing import CliRunner

    from autopack.cli.main import autopack

    for words in (["log", "info"], ["status"], ["log", "create", "pg://ann:secret@host/logs"]):
        result = CliRunner().invoke(autopack, ["--log", "pg://ann:secret@host/logs", *words])

        assert 2 == result.exit_code
        assert "secret" not in result.output
