"""report.html, read as a browser and as a reader would."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import date, datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

from hydrobid.cli.report.facts import gather
from hydrobid.cli.report.page import report_page
from hydrobid.domain.curve import BidMatrix
from hydrobid.pipeline.blobs import get_blob

TWO_AREAS = {"upper": "NO5", "lower": "NO5", "coast": "NO3"}


class Page(HTMLParser):
    """A page's attributes, scripts and visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._within: str | None = None
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._within = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data):
        if self._within == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif self._within != "style":
            self.text += data

    def handle_endtag(self, tag):
        self._within = None
        self.text += " "

    def values(self, tag: str, name: str) -> list[str | None]:
        return [value for at, key, value in self.attributes if (at, key) == (tag, name)]

    def charts(self) -> dict:
        return json.loads(next(text for attrs, text in self.scripts if attrs.get("id") == "charts"))


def _page(world, run) -> Page:
    return Page(report_page(gather(world.documents, run)))


def test_page__submitted__says_at_the_top_what_stands_where(world, client_documents):
    run = world.run(*client_documents(TWO_AREAS))

    page = _page(world, run)

    assert "The bid for Wednesday 25 November stands in NO3 and NO5" in page.text
    assert (
        "Revision 1 of two-valleys\u2019s bid into the nordic day-ahead auction for delivery on "
        "Wednesday 25 November 2026 is submitted; gate closure is Tuesday 24 November, 12:00 CET "
        "(Europe/Oslo)." in page.text
    )
    assert "Nothing: no alerts were raised" in page.text
    for order in world.exchange.orders.values():
        assert f"stands {order.order_id} 1 (Accepted)" in page.text


def test_page__any_run__reaches_for_nothing_outside_itself(world, client_documents):
    page = _page(world, world.run(*client_documents({"valley": "NO2"})))

    reaching = {"src", "href", "srcset", "action", "data", "poster"}
    assert [at for at in page.attributes if at[1] in reaching] == []
    assert "link" not in {tag for tag, _, _ in page.attributes}
    (policy,) = (text for text in page.values("meta", "content") if text and "default-src" in text)
    assert policy.startswith("default-src 'none';")
    running = [text for attributes, text in page.scripts if "type" not in attributes]
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in running]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_page__hostile_description__is_shown_and_never_run(world, client_documents):
    hostile = "</p></title></script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}"
    run = world.run(*client_documents({"valley": "NO2"}, description=hostile))

    page = _page(world, run)

    assert hostile in page.text
    assert len(page.scripts) == 3
    assert page.values("img", "src") == []


def test_page__partial__tells_what_is_missing_and_why(world, client_documents):
    run = world.run(
        *client_documents({"valley": "NO2"}, chunk=1), failing=("s02",), unreachable=("s06",)
    )

    text = _page(world, run).text

    assert "is submitted, though not all that was planned is behind it" in text
    assert "valley: 2 of 6 scenarios missing" in text
    assert "1: no schedule keeps all limits (s02)" in text
    assert "1: a service did not answer (s06)" in text
    assert "ASSET_PARTIAL" in text
    assert "scenarios: 4 solved and 1 failed" in text


def test_page__no_bid__has_no_curves_and_says_so(world, client_documents):
    scenarios = ("s01", "s02", "s03", "s04")
    run = world.run(*client_documents({"valley": "NO2"}), failing=scenarios)

    page = _page(world, run)

    assert "This run submitted no bid for Wednesday 25 November" in page.text
    assert "valley: too few scenarios solved" in page.text
    assert sorted(page.charts()) == ["prices-NO2", "volumes-valley"]


def test_page__fallback__says_where_the_bid_comes_from(world, client_documents):
    scenarios = ("s01", "s02", "s03", "s04", "s05", "s06")
    documents = client_documents({"valley": "NO2"}, fallback=("water_value",))
    run = world.run(*documents, failing=scenarios)

    text = _page(world, run).text

    assert "a bid from its water values, since no scenario was solved" in text
    assert "fallback" in text


def test_page__newer_revision__says_that_it_took_over(world, client_documents):
    first = world.run(*client_documents({"valley": "NO2"}))
    world.run(*client_documents({"valley": "NO2"}, scenarios=5))

    text = _page(world, first).text

    assert "A newer revision has taken over the bid" in text
    assert "replaced by revision 2" in text


def test_page__curves__are_the_bids_within_the_drawn_prices(world, client_documents):
    run = world.run(*client_documents(TWO_AREAS))

    charts = _page(world, run).charts()

    chart = charts["curves-NO5"]
    (held,) = (o.matrix for o in world.exchange.orders.values() if o.matrix.price_area == "NO5")
    assert isinstance(held, BidMatrix)
    assert [line["name"] for line in chart["lines"]] == ["Total bid", "upper", "lower"]
    low, high = chart["layout"]["xaxis"]["range"]
    assert len(chart["mtus"]) == len(held.curves)
    for mtu, curve in zip(chart["mtus"], held.curves, strict=True):
        total, *partial = mtu["curves"]
        assert (total["x"][0], total["x"][-1]) == pytest.approx((low, high), abs=1e-3)
        offered = np.interp(np.array(total["x"]) * 10, curve.ticks, curve.lots) / 10
        assert total["y"] == pytest.approx(offered.tolist(), abs=1e-2)
        # A total is rounded to lots where partial bids bend, so the sum may miss it by one.
        summed = sum(np.interp(total["x"], part["x"], part["y"]) for part in partial)
        assert total["y"] == pytest.approx(summed.tolist(), abs=0.1)


@pytest.mark.parametrize(
    ("day", "now", "mtus", "named"),
    [
        (date(2026, 10, 25), "2026-10-24T10:30+02:00", 25, "02:00\u201303:00 CET"),
        (date(2026, 3, 29), "2026-03-28T10:30+01:00", 23, "01:00\u201303:00 CET"),
        (date(2026, 11, 25), "2026-11-24T10:30+01:00", 24, "02:00\u201303:00"),
    ],
)
def test_page__clock_changes__names_each_mtu_once(
    make_world, client_documents, day, now, mtus, named
):
    world = make_world(datetime.fromisoformat(now))
    run = world.run(*client_documents({"valley": "NO2"}), day)

    page = _page(world, run)

    labels = [mtu["label"] for mtu in page.charts()["curves-NO2"]["mtus"]]
    assert len(set(labels)) == mtus
    assert named in labels
    assert (f"a day of {mtus} hours because the clocks change" in page.text) == (mtus != 24)


def test_page__all_at_one_instant__tells_what_led_to_what(world, client_documents):
    run = world.run(*client_documents({"valley": "NO2"}), passing=timedelta(0))

    story = _page(world, run).text.split("What happened By")[1]

    told = ["planned: 6", "scenarios: 6 solved", "partial bid from", "total bid 1", "stands at the"]
    places = [story.index(words) for words in told]
    assert places == sorted(places)


def test_page__a_horizon__says_what_is_sold_until_the_day_and_ends_with_it(world, client_documents):
    configuration, sets = client_documents({"valley": "NO2"})
    configuration["configuration"]["horizon"] = {"after": [{"hours": 24, "step": 1}]}
    watercourse = configuration["configuration"]["assets"][0]["watercourse"]
    sold = {"times": ["2026-11-24T10:00+01:00", "2026-11-25T00:00+01:00"], "values": [500.0, None]}
    watercourse["conditions"] = {"trade": {"obligation": sold}}

    facts = gather(world.documents, world.run(configuration, sets))
    page = Page(report_page(facts))

    assert "Sold until the day begins valley: stated by the watercourse" in page.text
    assert "when the levels were known" in page.text
    # More than its units can do: the power that is missing is told as power.
    missing = 500.0 - sum(u["power_max"] for p in watercourse["plants"] for u in p["units"])
    (told,) = re.findall(r"obligation not met in 6 scenarios, at most ([\d.]+) MW", page.text)
    assert float(told) >= missing - 1
    digests = [o.schedule for o in facts.solved("valley").values()]
    whole = [get_blob(world.documents, digest)["volume"] for digest in digests]
    ends = [list(volumes.values()) for volumes in facts.end_volumes["valley"].values()]
    # 24 hours after the day are no part of it.
    assert ends == [[series[-1 - 24] for series in volumes.values()] for volumes in whole]
