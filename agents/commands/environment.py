"""Settings for a command: read from the environment, with faults shown as wrong usage (exit status 2)."""

import os

import click

from config.settings import Settings, SettingsError, load, unrecognised


class WrongInput(click.ClickException):
    """Wrong usage, or input that cannot be read at all."""

    exit_code = 2


def settings_from_environment() -> Settings:
    """The settings of this process; slips of the pen in names are told on stderr."""
    try:
        settings = load(os.environ)
    except SettingsError as error:
        raise WrongInput(str(error)) from error
    for sentence in unrecognised(os.environ):
        click.echo(f"Warning: {sentence}", err=True)
    return settings
