"""People, copies, swarms and machines told apart, however the posts are spread."""

import random
from typing import Any

import msgspec
import pytest

from streams.voice.mentions import Digest
from streams.voice.merged import MergedVoice
from streams.voice.recount import VoiceRecount
from streams.voice.stage import VoiceStage
from streams.voice.tables import ALL, VoiceTables, whole
from tests.unit.streams.voice.posts import bots, definitions, mention, one_author, people, records, spread


def counted(mentions: list[dict[str, Any]], voice: str = "", **more: Any) -> dict[str, Any]:
    recount = VoiceRecount(definitions(voice), **more)
    recount.add(records(mentions))
    return recount.finish()


def kinds(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {verdict["kind"]: verdict for verdict in found["verdicts"]}


def test_one_author_bots_and_customers_have_three_verdicts() -> None:
    found = counted([*people(300), *bots(1000), *one_author(1000)])
    told = kinds(found)
    assert sorted(verdict["kind"] for verdict in found["verdicts"]) == ["one_author", "people", "swarm"]
    assert (told["swarm"]["mentions"], told["swarm"]["authors"], told["swarm"]["counted"]) == (1000, 1000, 0)
    assert (told["one_author"]["mentions"], told["one_author"]["authors"]) == (1000, 1)
    assert told["one_author"]["counted"] == 1
    assert found["set_apart"] == {"copies": 0, "swarms": 1000, "bots": 999}
    row = found["total"]["acme"]
    assert (row["mentions"], row["authors"]) == (301, 301)


@pytest.mark.parametrize("size", [31, 300])
def test_the_series_without_a_swarm_is_the_clean_series(size: int) -> None:
    crowd = people(500)
    clean, with_swarm = counted(crowd, by="hour"), counted([*crowd, *bots(size)], by="hour")
    assert with_swarm["total"] == clean["total"]
    assert with_swarm["periods"] == clean["periods"]
    assert with_swarm["topics"] == clean["topics"]
    assert with_swarm["set_apart"]["swarms"] == size


def test_copies_and_swarms_over_four_partitions_and_two_workers() -> None:
    agreed = definitions()
    posts = [*people(300), *bots(400), *one_author(200)]
    posts += [mention(f"rt{n}", f"fan{n}", copy_of="p7", at_s=50_000 + n) for n in range(150)]
    whole_file = counted(posts)
    workers = [VoiceStage(agreed), VoiceStage(agreed)]
    voice = MergedVoice(agreed.voice.copies, VoiceTables({ALL: whole}))
    batches = [
        (worker, part[place : place + 40])
        for worker, parts in zip(workers, (spread(posts, 4)[:2], spread(posts, 4)[2:]), strict=True)
        for part in parts
        for place in range(0, len(part), 40)
    ]
    random.Random(5).shuffle(batches)
    for worker, batch in batches:
        sent = msgspec.msgpack.encode(worker.read(batch).digests)
        voice.add(msgspec.msgpack.decode(sent, type=list[Digest]))
        voice.settle()
    (cell,) = (cell for _, _, cell in voice.tables.cells(ALL))
    row = whole_file["total"]["acme"]
    assert (cell.mentions, len(cell.authors), cell.happy, cell.unhappy, cell.reach) == (
        row["mentions"], row["authors"], row["happy"], row["unhappy"], row["reach"],
    )  # fmt: skip
    assert list(voice.apart.values()) == list(whole_file["set_apart"].values()) == [150, 400, 199]


def test_a_million_followers_move_the_count_of_people_by_one() -> None:
    crowd = people(200)
    before = counted(crowd)["total"]["acme"]
    after = counted([*crowd, mention("star", "star", "this is awful", reach=1_000_000)])["total"]["acme"]
    assert after["authors"] == before["authors"] + 1
    assert after["mentions"] == before["mentions"] + 1
    assert after["reach"] == before["reach"] + 1000


def test_a_post_that_many_pass_on_counts_once() -> None:
    crowd = people(50)
    original = mention(
        "viral", "star", "the acme parade float was the funniest thing I have seen this year", at_s=9000
    )
    shares = [mention(f"s{n}", f"sharer{n}", None, at_s=9001 + n, copy_of="viral") for n in range(300)]
    found = counted([*shares, *crowd, original])
    assert found["total"]["acme"]["mentions"] == 51
    assert found["total"]["acme"]["authors"] == 51
    assert found["set_apart"] == {"copies": 300, "swarms": 0, "bots": 0}
    assert kinds(found)["copies"]["counted"] == 1


def test_copies_of_a_mention_that_never_came_count_once() -> None:
    found = counted([mention(f"s{n}", f"sharer{n}", None, at_s=n, copy_of="elsewhere") for n in range(5)])
    assert found["total"]["acme"]["mentions"] == 1
    assert found["set_apart"]["copies"] == 4


def test_retweets_by_hundreds_are_copies_and_by_a_few_people() -> None:
    def retweets(count: int) -> list[dict[str, Any]]:
        return [mention(f"r{n}", f"a{n}", "lol RT @acme: Our fleet is on fleek today", at_s=n) for n in range(count)]

    assert counted(retweets(60))["set_apart"] == {"copies": 0, "swarms": 0, "bots": 0}
    many = counted(retweets(160))
    assert many["set_apart"] == {"copies": 159, "swarms": 0, "bots": 0}
    assert many["total"]["acme"]["mentions"] == 1


def test_accounts_that_say_other_things_too_are_people_who_pass_a_text_on() -> None:
    crowd = people(200, "p")
    chain = [
        mention(f"chain{n}", f"p-author-{n}", "copy and paste this if acme ever made your grandmother cry", at_s=n)
        for n in range(200)
    ]
    found = counted([*crowd, *chain])
    assert found["set_apart"] == {"copies": 199, "swarms": 0, "bots": 0}


def test_known_customers_who_say_the_same_are_people() -> None:
    text = "the power is out again in the whole street since this morning"
    same = [mention(f"c{n}", f"c{n}", text, at_s=n, customer_id=f"customer{n}") for n in range(300)]
    found = counted(same)
    assert found["total"]["acme"]["authors"] == found["total"]["acme"]["mentions"] == 300
    assert found["set_apart"] == {"copies": 0, "swarms": 0, "bots": 0}


def test_short_texts_are_said_alike_by_people() -> None:
    found = counted([mention(f"m{n}", f"a{n}", "thank you", at_s=60 * n) for n in range(400)])
    assert found["total"]["acme"]["mentions"] == 400
    burst = counted([mention(f"m{n}", f"a{n}", "acme lies!", at_s=n) for n in range(500)])
    assert burst["set_apart"]["swarms"] == 500


def test_the_reach_of_few_copies_is_that_of_the_first() -> None:
    text = "the new store opens at nine on saturday"
    found = counted([mention(f"m{n}", f"a{n}", text, at_s=n, reach=10 * (n + 1)) for n in range(5)])
    assert found["total"]["acme"]["mentions"] == 5
    assert found["total"]["acme"]["reach"] == 10


def test_mentions_that_come_again_count_once() -> None:
    crowd = people(20)
    found = counted([*crowd, *crowd])
    assert found["total"]["acme"]["mentions"] == 20
    assert found["accounting"]["duplicates"] == 20


def test_what_grows_old_keeps_its_verdict_and_memory_stays_bounded() -> None:
    agreed = definitions()
    rules = agreed.voice.copies
    voice = MergedVoice(rules, VoiceTables({ALL: whole}))
    stage = VoiceStage(agreed)
    day = 86_400
    posts = [*people(300), *bots(300), *one_author(200), *people(100, "late", seed=4)]
    for fields in posts[-100:]:
        fields["at"] += 5 * day * 1000
    digests = sorted(stage.read(records(posts)).digests, key=lambda post: post.at)
    for digest in digests:
        voice.add([digest])
        voice.advance(digest.at, agreed.horizon_us)
    (cell,) = (cell for _, _, cell in voice.tables.cells(ALL))
    assert cell.mentions == 300 + 1 + 100
    assert list(voice.apart.values()) == [0, 300, 199]
    assert len(voice._hours) <= 13
    assert len(voice._groups._posts) == 100
    assert len(voice._groups._group_of) == len(voice._groups._sketches) <= 100
    assert not voice._busy_days
    told = {verdict.kind: verdict for verdict in voice.verdicts()}
    assert (told["swarm"].mentions, told["swarm"].authors, told["swarm"].counted) == (300, 300, 0)
    assert (told["one_author"].mentions, told["one_author"].counted) == (200, 1)
    assert len(told) == 2
    assert len(voice._days) == 100


def test_an_account_that_says_all_sorts_of_things_all_day_counts_once() -> None:
    texts = [fields["text"] for fields in people(400)]
    found = counted([mention(f"f{n}", "bored", text, at_s=7200 + 60 * n) for n, text in enumerate(texts)])
    assert found["total"]["acme"]["mentions"] == 1
    assert [verdict["kind"] for verdict in found["verdicts"]] == ["one_author"]
    assert (
        counted([mention(f"f{n}", "bored", text, at_s=n) for n, text in enumerate(texts[:60])])["total"]["acme"][
            "mentions"
        ]
        == 60
    )


def fresh() -> tuple[VoiceStage, MergedVoice]:
    agreed = definitions()
    return VoiceStage(agreed), MergedVoice(agreed.voice.copies, VoiceTables({ALL: whole}))


def test_accounts_that_speak_up_later_are_people_after_all() -> None:
    stage, voice = fresh()
    text = "copy and paste this if acme ever made your grandmother cry"
    voice.add(stage.read(records(mention(f"c{n}", f"p-author-{n}", text, at_s=n) for n in range(60))).digests)
    voice.settle()
    assert list(voice.apart.values()) == [0, 60, 0]
    voice.add(stage.read(records(people(60))).digests)
    voice.settle()
    assert list(voice.apart.values()) == [0, 0, 0]


def test_a_post_of_a_swarm_is_the_swarms_even_from_a_busy_account() -> None:
    swarm = bots(100)
    for fields in swarm[:70]:
        fields["author_id"] = "busy"
    found = counted(swarm)
    assert found["set_apart"] == {"copies": 0, "swarms": 100, "bots": 0}


def test_customers_who_talk_alike_are_no_swarm() -> None:
    """Few openings, troubles and closings: each text is like some others, and none stands amid them all."""
    openings = ["Hello", "Hi", "Again", "Well", "Please"]
    troubles = [
        "my internet is down since this morning",
        "the router lost its connection once more today",
        "no signal at all in our street",
        "the line has been dead for two days",
        "everything is offline",
    ]
    closings = [
        "when will it be fixed",
        "nobody answers the phone",
        "I want my money back now",
        "this happens every single week",
        "your app says all is fine",
    ]
    draw = random.Random(6)
    said = [
        mention(
            f"m{n}", f"a{n}", f"{draw.choice(openings)} {draw.choice(troubles)} {draw.choice(closings)}", at_s=30 * n
        )
        for n in range(300)
    ]
    found = counted(said)
    assert found["total"]["acme"]["mentions"] == 300
    assert sum(found["set_apart"].values()) == 0


def test_bots_that_each_change_a_word_of_their_own_are_a_swarm() -> None:
    text = "acme is the worst company ever they steal your money and lie about everything boycott them today"
    draw = random.Random(7)
    posts = []
    for n in range(200):
        changed = text.split()
        changed[draw.randrange(len(changed))] = f"x{n}"
        posts.append(mention(f"b{n}", f"b{n}", " ".join(changed), at_s=n))
    assert counted(posts)["set_apart"]["swarms"] == 200


def test_few_accounts_that_post_one_text_all_day_are_a_swarm() -> None:
    text = "acme cheats its customers and everybody should know by now"
    posts = [mention(f"f{n}", f"few{n % 20}", text, at_s=30 * n) for n in range(400)]
    assert counted(posts)["set_apart"] == {"copies": 0, "swarms": 400, "bots": 0}


def test_one_account_that_repeats_one_text_counts_once_also_over_days() -> None:
    text = "acme cheats its customers and everybody should know by now"
    found = counted([mention(f"f{n}", "one", text, at_s=1800 * n) for n in range(80)])
    assert found["set_apart"] == {"copies": 0, "swarms": 0, "bots": 79}
    assert kinds(found)["one_author"]["counted"] == 1


def test_what_agents_take_down_of_calls_is_no_copy() -> None:
    calls = [
        mention(
            f"c{n}", f"caller{n % 10}", "customer calls about the late delivery of an order", at_s=n, channel="Call"
        )
        for n in range(2000)
    ]
    found = counted(calls)
    assert found["total"]["acme"]["mentions"] == 2000
    assert found["total"]["acme"]["authors"] == 10
    assert sum(found["set_apart"].values()) == 0
