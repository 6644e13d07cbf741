"""A group of commands that says which one was probably meant."""

import click


class CommandGroup(click.Group):
    """Names the nearest command for one that is not there, with any version of click."""

    def known_names(self, ctx: click.Context) -> list[str]:
        """Return every name that this group takes."""
        return self.list_commands(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """
        Return the command that *args* begin with.

        Raises:
            click.UsageError: There is none of that name; the nearest one is named.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            wanted = args[0]
            if wanted.startswith("-"):
                raise
            from autopack.errors.nearest import did_you_mean

            hint = did_you_mean(wanted, self.known_names(ctx))
            raise click.UsageError(f"There is no command {wanted!r}.{hint}", ctx) from None
