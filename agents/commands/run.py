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
from agents.trial.acts import Act
from agents.trial.broker import BrokerNotStarted
from agents.trial.stories import STORIES, at_speed, times_faster
from agents.trial.story import Trial, TrialFault, TrialOptions
from agents.trial.summary import act_line, address_lines, needs_compact, short_line, summary

SCREEN_EVERY_S = 0.5
LINE_EVERY_S = 5.0
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("run", epilog="Example: netgrowth run --faster 2")
@click.option("--dataset", type=click.Choice(list(STORIES)), default="flight-club", show_default=True,
              help="What is played.")
@click.option("--faster", type=click.FloatRange(0.1, 100.0), default=1.0, show_default=True,
              help="Play what is watched so many times as fast.")
@click.option("--speed", type=Speed(), help="Seconds of event time in a second after the past, all the way, or max; "
              "default: the story's own, slowest where most happens.")
@click.option("--port", type=click.IntRange(0, 65535), default=6066, show_default=True,
              help="Port of board, metrics and API; 0 for any free one.")
@click.option("--broker-port", type=click.IntRange(0, 65535), default=9092, show_default=True,
              help="Port of the embedded broker; 0 for any free one.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(".trial"),
              show_default=True, help="Takes the broker's records and the logs.")
@click.option("--keep", is_flag=True, help="Go on where the last run in this folder ended, instead of anew.")
@click.option("--no-live", is_flag=True, help="A line every few seconds instead of the live screen.")
@click.pass_context
def command(
    context: click.Context, dataset: str, faster: float, speed: float | None, port: int, broker_port: int,
    folder: Path, keep: bool, no_live: bool,
) -> None:
    """Start an embedded broker and a worker, play a story, and show it live; Ctrl-C ends it all.

    The default story takes five minutes: a club of frequent flyers on real flights has ordinary days; then one
    airline fails those on board while its operations look well; they complain, they leave, an alert fires, and more
    than a week later the survey notices. docs/demonstration.md says what of it is real. `--dataset online-retail`
    plays nineteen months of purchases in a real shop.

    Eleven days are loaded first, as fast as possible, for the detectors to learn from; their settings are the usual
    ones. Nothing outside the folder is touched, and nothing but this machine is spoken to. At the end all stays up to
    be looked at. Needs the extra `trial`. Settings in the environment (docs/settings.md) are left aside.
    """
    story = times_faster(STORIES[dataset], faster)
    if context.get_parameter_source("speed") is not click.core.ParameterSource.DEFAULT:
        story = at_speed(story, speed)
    live = sys.stdout.isatty() and not no_live
    options = TrialOptions(folder, port, broker_port, keep)
    trial = Trial(story, options, click.echo, _keep_quiet if live else _tell_act)
    with _ending_signals(trial) as stop:
        try:
            with trial:
                for line in address_lines(trial.web):
                    click.echo(line)
                _show(trial, stop, live=live)
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
            screen.update(summary(trial.seen, trial.feed, trial.web, trial.acts, compact=compact), refresh=True)
            stop.wait(SCREEN_EVERY_S)
    console.print(summary(trial.seen, trial.feed, trial.web, trial.acts))
    _say("Ending ...")


def _tell_act(act: Act) -> None:
    _say(act_line(act))


def _keep_quiet(act: Act) -> None:
    """The screen shows it."""


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
