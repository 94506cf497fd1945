"""`netgrowth run`: all of it on this machine, on real data, to look at."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.live import Live

from agents.commands.environment import WrongInput
from agents.commands.replay import Speed
from agents.replay.finding import DataNotFound
from agents.topics import BrokerUnreachable
from agents.trial.broker import BrokerNotStarted
from agents.trial.story import STORIES, Trial, TrialFault, TrialOptions, at_speed
from agents.trial.summary import address_lines, needs_compact, short_line, summary

SCREEN_EVERY_S = 0.5
LINE_EVERY_S = 5.0
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("run", epilog="Example: netgrowth run --speed 86400")
@click.option("--dataset", type=click.Choice(sorted(STORIES)), default="online-retail", show_default=True,
              help="What is played.")
@click.option("--speed", type=Speed(), help="Seconds of event time in a second after the first year, or max; "
              "default: 43200, half a day.")
@click.option("--port", type=click.IntRange(0, 65535), default=6066, show_default=True,
              help="Port of metrics and API; 0 for any free one.")
@click.option("--broker-port", type=click.IntRange(0, 65535), default=9092, show_default=True,
              help="Port of the embedded broker; 0 for any free one.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(".trial"),
              show_default=True, help="Takes the broker's records and the logs.")
@click.option("--keep", is_flag=True, help="Go on where the last run in this folder ended, instead of anew.")
@click.option("--no-live", is_flag=True, help="A line every few seconds instead of the live screen.")
@click.pass_context
def command(
    context: click.Context, dataset: str, speed: float | None, port: int, broker_port: int, folder: Path, keep: bool,
    no_live: bool,
) -> None:
    """Start an embedded broker and a worker, play real data, and show net growth live; Ctrl-C ends it all.

    Nothing outside the folder is touched, and nothing but this machine is spoken to. The first year is played in
    about 20 seconds, the rest at the speed given; then everything stays up to be looked at. Needs the extra `trial`.
    Settings in the environment (docs/settings.md) are left aside.
    """
    story = STORIES[dataset]
    if context.get_parameter_source("speed") is not click.core.ParameterSource.DEFAULT:
        story = at_speed(story, speed)
    trial = Trial(story, TrialOptions(folder, port, broker_port, keep), click.echo)
    with _ending_signals(trial) as stop:
        try:
            with trial:
                for line in address_lines(trial.web):
                    click.echo(line)
                _show(trial, stop, live=sys.stdout.isatty() and not no_live)
        except (BrokerNotStarted, BrokerUnreachable, DataNotFound) as error:
            raise WrongInput(str(error)) from error
        except TrialFault as error:
            raise click.ClickException(str(error)) from error
        except OSError:
            # The terminal went away, or who read our lines; all is ended by now, and there is nobody to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        _say("All of it has ended.")


def _show(trial: Trial, stop: threading.Event, *, live: bool) -> None:
    """Show how it goes until told to stop.

    Raises: TrialFault when a part of it ends by itself.
    """
    if not live:
        while not stop.is_set():
            trial.check()
            click.echo(short_line(trial.seen, trial.feed))
            stop.wait(LINE_EVERY_S if trial.seen.ledger is not None else LINE_EVERY_S / 5)
        return
    console = Console()
    # The other screen of the terminal: what stood there before is there again afterwards.
    with Live(console=console, screen=True, auto_refresh=False) as screen:
        while not stop.is_set():
            trial.check()
            compact = needs_compact(*console.size)
            screen.update(summary(trial.seen, trial.feed, trial.web, compact=compact), refresh=True)
            stop.wait(SCREEN_EVERY_S)
    console.print(summary(trial.seen, trial.feed, trial.web))
    _say("Ending ...")


@contextmanager
def _ending_signals(trial: Trial) -> Iterator[threading.Event]:
    """The first signal ends everything in order; the second one at once."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            trial.kill()
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in END_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    """Tell the visitor, if there still is one."""
    try:
        click.echo(text)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
