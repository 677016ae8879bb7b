"""A day's bid from Python, cell by cell: start a run, follow it, and look at what is offered.

Each `# %%` begins a cell in editors that know them; as a script it runs from the top, beside a local
cloud that is up:

    .venv/bin/pip install 'hydrobid[pandas]' matplotlib
    .venv/bin/hydrobid up
    .venv/bin/python docs/examples/bid_curves.py
"""

# %% Start a run of the next delivery day, and follow it to its end.
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from hydrobid.client import connect

ZONE = "Europe/Oslo"
PICTURE = Path("out/bid-curves.png")

client = connect().client("sintef-example")
run = client.start()
for state in run.follow():
    print(state)

# %% Its tables as frames: the bid, the scenarios behind it, and what each of them sells.
curves = run.frame("curves")
prices = run.frame("prices")
schedules = run.frame("schedules")
for frame in (curves, prices, schedules):
    frame["hour"] = frame["start"].dt.tz_convert(ZONE).dt.strftime("%H:%M")

weights = prices.drop_duplicates("scenario").set_index("scenario")["probability"]
by_time = schedules.pivot_table(index="start", columns="scenario", values="volume")
expected = (
    by_time.mul(weights.reindex(by_time.columns)).sum(axis=1) / weights[by_time.columns].sum()
)

# %% A picture: what is offered at which price, and what the scenarios would sell over the day.
figure, (offered, sold) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
low, high = prices["price"].quantile([0.0, 1.0])
for number, hour in enumerate(("03:00", "08:00", "18:00")):
    one = curves[curves["hour"] == hour]
    offered.plot(one["volume"], one["price"], color=f"C{number}", label=hour)
offered.set(
    title=f"Bid of {run.id.day}, by delivery hour",
    xlabel="MW offered",
    ylabel="price, currency per MWh",
    ylim=(low - 5, high + 5),
)
offered.legend(title="begins at", frameon=False)

local = by_time.index.tz_convert(ZONE).tz_localize(None)
step = {"drawstyle": "steps-post"}
sold.plot(local, by_time.to_numpy(), color="0.8", linewidth=0.7, **step)
sold.plot(local, expected.to_numpy(), color="C3", linewidth=2, label="expected", **step)
sold.set(title=f"What {by_time.shape[1]} scenarios sell", xlabel="local time", ylabel="MW sold")
sold.xaxis.set_major_formatter(mpl.dates.DateFormatter("%H:%M"))
sold.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)
for axes in (offered, sold):
    axes.spines[["top", "right"]].set_visible(False)

PICTURE.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(PICTURE, dpi=110)
plt.close(figure)
print(f"Picture: {PICTURE}")
